import type { Diagnostic } from "@fairlead/model";
import { isRecord } from "../common/record.ts";
import { decode } from "../validation/decode.ts";
import { readMetadata } from "../validation/metadata.ts";
import { reportInto } from "../validation/report.ts";
import { closest } from "../validation/schema-issues.ts";
import { capped } from "../validation/validate.ts";
import {
  GATEWAY_API_KINDS,
  type GatewayApiKind,
  type GatewayApiKindDefinition,
  type GatewayApiObject,
  gatewayApiKindOf,
} from "./kinds.ts";

/** What was found out about a document of the Gateway API. */
export interface GatewayApiValidation {
  /** Whether a cluster with the experimental CRDs would take it. */
  readonly valid: boolean;
  /**
   * What can be read of it: there, without its faulty fields, where enough remains. (A cluster may hold what was valid by the rules of
   * its CRDs.)
   */
  readonly object: GatewayApiObject | undefined;
  /** Without positions. */
  readonly diagnostics: readonly Diagnostic[];
}

const TOP_LEVEL_FIELDS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata", "spec", "status"]);

/**
 * Validates a Kubernetes document (JSON) of one of the Gateway API's kinds as its CRD does, rules in CEL included; undefined
 * for documents of any other kind. Never throws.
 */
export function validateGatewayApi(
  document: Readonly<Record<string, unknown>>,
  defaultNamespace = "default",
): GatewayApiValidation | undefined {
  const { apiVersion, kind, spec, status } = document;
  const name = gatewayApiKindOf(String(apiVersion), String(kind));
  if (name === undefined) return undefined;
  const definition: GatewayApiKindDefinition = GATEWAY_API_KINDS[name];
  const raw = isRecord(document.metadata) ? document.metadata : {};
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const home = definition.clusterScoped ? "" : defaultNamespace;
  const namespace = definition.clusterScoped ? "" : text(raw.namespace) || home;
  const diagnostics: Diagnostic[] = [];
  const report = reportInto(diagnostics, { kind: name, namespace, name: text(raw.name) });
  for (const field of Object.keys(document))
    if (!TOP_LEVEL_FIELDS.has(field)) {
      const suggestion = closest(field, TOP_LEVEL_FIELDS);
      report.at(field).error("unknown-field", `unknown field${suggestion ? `; did you mean ${suggestion}?` : ""}`);
    }
  const metadata = readMetadata(document.metadata, home, report.at("metadata"));
  if (spec === undefined) report.at("spec").error("required", "is required");
  const decoded =
    spec === undefined ? undefined : decode(definition.schema, spec, report.at("spec"), { incomplete: true });
  if (decoded === undefined) return { valid: false, object: undefined, diagnostics: capped(diagnostics) };
  const object = {
    kind: name as GatewayApiKind,
    apiVersion: String(apiVersion),
    metadata: { ...metadata, namespace },
    spec: decoded,
    ...(status !== undefined && { status }),
  } as GatewayApiObject;
  const faulty = new Set(diagnostics.filter(({ severity }) => severity === "error").map(({ path }) => path));
  const shape = diagnostics.length;
  const incomplete = diagnostics.some(({ code }) => code === "required");
  try {
    definition.validate?.(object, report.at("spec"));
  } catch (error) {
    // The rules take a required field for there. Where one is missing, which has been said, they look as far as they get.
    if (!incomplete) throw error;
  }
  // Of a field whose shape is wrong, its rules have nothing to add.
  diagnostics.push(...diagnostics.splice(shape).filter(({ path }) => !faulty.has(path)));
  const valid = !diagnostics.some(({ severity }) => severity === "error");
  return { valid, object: incomplete ? undefined : object, diagnostics: capped(diagnostics) };
}
