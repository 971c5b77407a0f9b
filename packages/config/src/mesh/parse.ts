import type { Diagnostic, ObjectRef, Position } from "@fairlead/model";
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

/** What was found in a document of settings. */
export interface ParsedSettings {
  readonly diagnostics: readonly Diagnostic[];
  /** Where a field is written, or the part of it that is there, as `defaultConfig.tracing`. */
  locate(path: string): Position | undefined;
}

/**
 * Reads a MeshConfig (YAML or JSON, a document without kind), puts it on top of Istio's defaults and validates the
 * whole. With errors, `meshConfig` is undefined. Unknown fields are warnings, as istiod takes them.
 */
export function parseMeshConfig(
  text: string,
  options: MeshParseOptions,
): ParsedSettings & { readonly meshConfig: MeshConfig | undefined } {
  const result = parseMeshDocument("MeshConfig", meshConfigSchema, text, options, (value, report) => {
    const meshConfig = mergeMeshConfig(defaultMeshConfig(), value);
    // Aliases are told by their places in the document; merged ones are sorted.
    const { trustDomainAliases = meshConfig.trustDomainAliases } = value;
    validateMeshConfig({ ...meshConfig, ...(trustDomainAliases && { trustDomainAliases }) }, report);
    return meshConfig;
  });
  const { value: meshConfig, diagnostics, locate } = result;
  return { meshConfig, diagnostics, locate };
}

/** Reads a MeshNetworks document as {@link parseMeshConfig} does. */
export function parseMeshNetworks(
  text: string,
  options: MeshParseOptions,
): ParsedSettings & { readonly meshNetworks: MeshNetworks | undefined } {
  const result = parseMeshDocument("MeshNetworks", meshNetworksSchema, text, options, (value, report) => {
    validateMeshNetworks(value, report);
    return { networks: {}, ...value };
  });
  const { value: meshNetworks, diagnostics, locate } = result;
  return { meshNetworks, diagnostics, locate };
}

/** Istio merges these fields by their JSON names only; under the others they have no effect. */
const IGNORED_NAMES = [
  ["default_config", "defaultConfig"],
  ["default_providers", "defaultProviders"],
] as const;

/** The enums of which Istio takes no number without a name. */
const REQUIRED_NAMES: ReadonlySet<string> = new Set(["controlPlaneAuthPolicy", "control_plane_auth_policy"]);

function parseMeshDocument<T>(
  kind: string,
  schema: Schema<T>,
  text: string,
  { file }: MeshParseOptions,
  finish: (value: T, report: Report) => T,
): ParsedSettings & { readonly value: T | undefined } {
  const read = readYaml(text, file);
  const locate = (path: string) => read.locate(parsePath(path) ?? []);
  if (read.value === undefined) return { value: undefined, diagnostics: read.diagnostics, locate };
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
  const canonical = canonicalJson(schema, raw, {
    unknown(path, fields) {
      const suggestion = closest(String(path.at(-1)), fields);
      report
        .at(...path)
        .warning("unknown-field", `is unknown and ignored${suggestion ? `; did you mean ${suggestion}?` : ""}`);
    },
    overruled(path, winner, fieldSchema, ignored) {
      const at = report.at(...path);
      at.warning("ignored-field", `is ignored: only one can count, and ${winner} does`);
      decode(fieldSchema, ignored, at, { crd: false });
    },
    unnamed(path, number, names) {
      if (REQUIRED_NAMES.has(String(path.at(-1)))) {
        report.at(...path).error("unknown-value", `${number} is not one of ${names.join(", ")}`);
        return;
      }
      const message = `no value has the number ${number}, it is ignored; there are ${names.join(", ")}`;
      report.at(...path).warning("unknown-value", message);
    },
  });
  const decoded = decode(schema, canonical, report, { crd: false });
  const value = decoded === undefined ? undefined : finish(decoded, report);
  const failed = diagnostics.some(({ severity }) => severity === "error");
  const placed = diagnostics.map((diagnostic) => {
    const position = locate(diagnostic.path);
    return position ? { ...diagnostic, position } : diagnostic;
  });
  return { value: failed ? undefined : value, diagnostics: placed, locate };
}
