import type { Diagnostic, ObjectRef } from "@fairlead/model";
import { parsePath } from "../common/path.ts";
import { isRecord } from "../common/record.ts";
import { type MeshConfig, meshConfig as meshConfigSchema } from "../kinds/mesh-config/schema.ts";
import { validateMeshConfig } from "../kinds/mesh-config/validate.ts";
import { type MeshNetworks, meshNetworks as meshNetworksSchema } from "../kinds/mesh-networks/schema.ts";
import { validateMeshNetworks } from "../kinds/mesh-networks/validate.ts";
import { readYaml } from "../parse/read-yaml.ts";
import { canonicalJson } from "../schema/leniency.ts";
import type { Schema } from "../schema/message.ts";
import { decode } from "../validation/decode.ts";
import { type Report, reportInto } from "../validation/report.ts";
import { closest } from "../validation/schema-issues.ts";
import { defaultMeshConfig } from "./defaults.ts";
import { mergeMeshConfig } from "./merge.ts";

export interface MeshParseOptions {
  /** Named in positions. */
  readonly file: string;
}

/**
 * Reads a MeshConfig (YAML or JSON, a document without kind), puts it on top of Istio's defaults and validates the
 * whole. With errors, `meshConfig` is undefined. Unknown fields are warnings, as istiod takes them.
 */
export function parseMeshConfig(
  text: string,
  options: MeshParseOptions,
): { meshConfig: MeshConfig | undefined; diagnostics: readonly Diagnostic[] } {
  const result = parseMeshDocument("MeshConfig", meshConfigSchema, text, options, (value, report) => {
    const meshConfig = mergeMeshConfig(defaultMeshConfig(), value);
    validateMeshConfig(meshConfig, report);
    return meshConfig;
  });
  return { meshConfig: result.value, diagnostics: result.diagnostics };
}

/** Reads a MeshNetworks document as {@link parseMeshConfig} does. */
export function parseMeshNetworks(
  text: string,
  options: MeshParseOptions,
): { meshNetworks: MeshNetworks | undefined; diagnostics: readonly Diagnostic[] } {
  const result = parseMeshDocument("MeshNetworks", meshNetworksSchema, text, options, (value, report) => {
    validateMeshNetworks(value, report);
    return { networks: {}, ...value };
  });
  return { meshNetworks: result.value, diagnostics: result.diagnostics };
}

/** Istio merges these fields by their JSON names only; under the others they have no effect. */
const IGNORED_NAMES = [
  ["default_config", "defaultConfig"],
  ["default_providers", "defaultProviders"],
] as const;

function parseMeshDocument<T>(
  kind: string,
  schema: Schema<T>,
  text: string,
  { file }: MeshParseOptions,
  finish: (value: T, report: Report) => T,
): { value: T | undefined; diagnostics: readonly Diagnostic[] } {
  const read = readYaml(text, file);
  if (read.value === undefined) return { value: undefined, diagnostics: read.diagnostics };
  const ref: ObjectRef = { kind, namespace: "", name: "" };
  const diagnostics: Diagnostic[] = [];
  const report = reportInto(diagnostics, ref);
  if (!isRecord(read.value) && read.value !== null) report.error("not-an-object", "the document is not an object");
  const raw: Record<string, unknown> = { ...(isRecord(read.value) ? read.value : {}) };
  for (const [name, instead] of IGNORED_NAMES)
    if (Object.hasOwn(raw, name)) {
      report.at(name).warning("ignored-field", `is ignored by Istio under this name; write ${instead}`);
      delete raw[name];
    }
  const canonical = canonicalJson(schema, raw, (path, fields) => {
    const suggestion = closest(String(path.at(-1)), fields);
    report
      .at(...path)
      .warning("unknown-field", `is unknown and ignored${suggestion ? `; did you mean ${suggestion}?` : ""}`);
  });
  const decoded = decode(schema, canonical, report, { crd: false });
  const value = decoded === undefined ? undefined : finish(decoded, report);
  const failed = diagnostics.some(({ severity }) => severity === "error");
  const placed = diagnostics.map((diagnostic) => {
    const position = read.locate(parsePath(diagnostic.path) ?? []);
    return position ? { ...diagnostic, position } : diagnostic;
  });
  return { value: failed ? undefined : value, diagnostics: placed };
}
