import type { Diagnostic } from "@fairlead/model";
import { isDnsLabel } from "../common/names.ts";
import { isRecord } from "../common/record.ts";
import { checkMessages, type MessageCheck } from "../kinds/envoy-filter/check-message.ts";
import { KINDS, type KindDefinition, type KindName, kindOf } from "../kinds.ts";
import { type ConfigObject, isKind } from "../object.ts";
import { checkAnnotations } from "./annotations.ts";
import { decode } from "./decode.ts";
import { readMetadata } from "./metadata.ts";
import { reportInto } from "./report.ts";
import { closest } from "./schema-issues.ts";

/** What validation found out about one document. */
export interface Validation {
  /** Whether a cluster would take it: no diagnostic is an error. */
  readonly valid: boolean;
  /** The typed object; there exactly when `valid`. */
  readonly object: ConfigObject | undefined;
  /** Errors and warnings, all of them. Without positions. */
  readonly diagnostics: readonly Diagnostic[];
}

const TOP_LEVEL_FIELDS: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata", "spec", "status"]);

export interface ValidateOptions {
  /** For documents without a namespace. Default: none. */
  readonly defaultNamespace?: string;
  /**
   * Checks what EnvoyFilters put into Envoy's configuration against its API, as a cluster's webhook does: `validate` of
   * `@fairlead/xds/proto`. Default: only what can be told without the API's definitions.
   */
  readonly envoy?: MessageCheck;
}

/**
 * Validates one Kubernetes document (JSON) of a configuration kind: schema, then meaning. Never throws, whatever the JSON.
 */
export function validateDocument(document: unknown, options: ValidateOptions = {}): Validation {
  const { defaultNamespace = "", envoy } = options;
  const diagnostics: Diagnostic[] = [];
  const fail = (code: string, message: string, path = ""): Validation => {
    diagnostics.push({ code, severity: "error", message, path });
    return { valid: false, object: undefined, diagnostics };
  };
  if (!isRecord(document)) return fail("not-an-object", "the document is not an object");
  const { apiVersion, kind, spec, status } = document;
  if (typeof kind !== "string" || kind === "") return fail("missing-kind", "the document has no kind", "kind");
  if (typeof apiVersion !== "string" || apiVersion === "")
    return fail("missing-api-version", "the document has no apiVersion", "apiVersion");
  const name = kindOf(apiVersion, kind);
  if (name === undefined) return fail("unknown-kind", unknownKindMessage(apiVersion, kind), "kind");

  const rawMetadata = isRecord(document.metadata) ? document.metadata : {};
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  const report = reportInto(diagnostics, {
    kind,
    namespace: text(rawMetadata.namespace) || defaultNamespace,
    name: text(rawMetadata.name),
  });
  for (const field of Object.keys(document))
    if (!TOP_LEVEL_FIELDS.has(field)) {
      const suggestion = closest(field, TOP_LEVEL_FIELDS);
      report.at(field).error("unknown-field", `unknown field${suggestion ? `; did you mean ${suggestion}?` : ""}`);
    }
  const metadata = readMetadata(document.metadata, defaultNamespace, report.at("metadata"));
  const definition: KindDefinition = KINDS[name];
  const decoded = decode(definition.schema, spec === undefined ? {} : spec, report.at("spec"), { incomplete: true });
  if (decoded === undefined) return { valid: false, object: undefined, diagnostics: capped(diagnostics) };
  const object = {
    kind: name,
    apiVersion,
    metadata,
    spec: decoded,
    ...(status !== undefined && { status }),
  } as ConfigObject;
  // Its name becomes part of names of Envoy resources, where dots divide.
  if (name === "Gateway" && metadata.name !== "" && !isDnsLabel(metadata.name))
    report.at("metadata", "name").error("invalid-name", "the name of a gateway must be a DNS label, without dots");
  checkAnnotations(name, object.spec, metadata, report);
  const faulty = new Set(diagnostics.filter(({ severity }) => severity === "error").map(({ path }) => path));
  const shape = diagnostics.length;
  try {
    definition.validate?.(object as never, report.at("spec"));
    if (envoy && isKind(object, "EnvoyFilter")) checkMessages(object.spec, envoy, report.at("spec"));
  } catch (error) {
    // The rules take a required field for there. Where one is missing, which has been said, they look as far as they get.
    if (faulty.size === 0) throw error;
  }
  // Of a field whose shape is wrong, its rules have nothing to add; that Envoy does not know one is said once.
  const unknown = new Set<string>();
  const meaning = diagnostics.splice(shape).filter(({ path, code }) => {
    const again = code === "unknown-field" && unknown.has(path);
    if (code === "unknown-field") unknown.add(path);
    return !again && !faulty.has(path);
  });
  diagnostics.push(...meaning);
  const valid = !diagnostics.some(({ severity }) => severity === "error");
  return { valid, object: valid ? object : undefined, diagnostics: capped(diagnostics) };
}

/** More than these about one object say nothing new, and each must be looked up in the text. */
const MAX_DIAGNOSTICS = 200;

/** The first ones, errors before warnings where not all can stay, and how many more there are. */
export function capped(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  if (diagnostics.length <= MAX_DIAGNOSTICS) return diagnostics;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const [first] = errors.length > 0 ? errors : diagnostics;
  if (first === undefined) return diagnostics;
  const message = `and ${diagnostics.length - MAX_DIAGNOSTICS} more faults`;
  const kept = [...errors, ...diagnostics.filter(({ severity }) => severity !== "error")].slice(0, MAX_DIAGNOSTICS);
  return [...kept, { ...first, code: "too-many-faults", message, path: "" }];
}

/** Errors and warnings of an object that was made in a program. */
export function validateObject(object: ConfigObject): readonly Diagnostic[] {
  return validateDocument(object).diagnostics;
}

/** Why `apiVersion`, `kind` is none of ours, in a message. */
export function unknownKindMessage(apiVersion: string, kind: string): string {
  const similar = closest(kind, Object.keys(KINDS));
  const definition: KindDefinition | undefined = similar === undefined ? undefined : KINDS[similar as KindName];
  if (definition === undefined) return `unknown kind ${kind} of ${apiVersion}`;
  const versions = definition.versions.map((version) => `${definition.group}/${version}`).join(", ");
  return similar === kind
    ? `${kind} is not served as ${apiVersion}; it is served as ${versions}`
    : `unknown kind ${kind} of ${apiVersion}; did you mean ${similar} (${versions})?`;
}
