import type { TypedExtensionConfig } from "../../proto/types.ts";
import { type Generator, generated } from "../generated.ts";
import { extensionDiagnostics, extensionsOf } from "./extensions.ts";

/** Configuration of the filters that WasmPlugins and TrafficExtensions add. */
export const extensionGenerator: Generator<TypedExtensionConfig> = {
  units: (read) => extensionsOf(read).map(({ name }) => name),
  diagnostics: extensionDiagnostics,
  generate(read, unit, provenance) {
    const extension = extensionsOf(read).find(({ name }) => name === unit);
    if (!extension) return [];
    const { name, config, source } = extension;
    return [generated(read, name, (build) => build.from({ name, typedConfig: config }, source), provenance)];
  },
};
