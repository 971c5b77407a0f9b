import type { Reader } from "@fairlead/mesh";
import type { TypedExtensionConfig } from "../../proto/types.ts";
import { type Generator, generated } from "../generated.ts";
import { patchValue } from "../patch/list-patch.ts";
import { type Patch, patchesOf } from "../patch/patches.ts";
import { extensionDiagnostics, extensionsOf } from "./extensions.ts";

const nameOf = ({ name }: Patch["value"]) => String(name ?? "");

/** Filters that EnvoyFilters add may ask for these by name. */
function givenConfigs(read: Reader): readonly Patch[] {
  return patchesOf(read).filter(({ target, value }) => target === "EXTENSION_CONFIG" && nameOf(value) !== "");
}

/** Configuration of the filters that WasmPlugins and TrafficExtensions add, and what EnvoyFilters give as such. */
export const extensionGenerator: Generator<TypedExtensionConfig> = {
  units: (read) => [
    ...new Set([
      ...extensionsOf(read).map(({ name }) => name),
      ...givenConfigs(read).map(({ value }) => nameOf(value)),
    ]),
  ],
  diagnostics: extensionDiagnostics,
  generate(read, unit, provenance) {
    const extension = extensionsOf(read).find(({ name }) => name === unit);
    if (!extension) {
      const given = givenConfigs(read).find(({ value }) => nameOf(value) === unit);
      return given
        ? [
            generated(
              read,
              unit,
              (build) => {
                build.patched(given);
                return patchValue<TypedExtensionConfig>(build, given);
              },
              provenance,
            ),
          ]
        : [];
    }
    const { name, config, source } = extension;
    return [generated(read, name, (build) => build.from({ name, typedConfig: config }, source), provenance)];
  },
};
