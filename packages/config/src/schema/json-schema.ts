import { isStruct, messageInfo, type Schema } from "./message.ts";

/** A JSON Schema, of the subset that Kubernetes takes ("structural schema"). */
export type JsonSchema = Readonly<Record<string, unknown>>;

interface Check {
  readonly _zod: { readonly def: Readonly<Record<string, unknown>> };
}

/** The JSON Schema of a schema's values. `kubernetes` adds what only CRDs know (`nullable`, `x-kubernetes-*`). */
export function toJsonSchema(schema: Schema, kubernetes: boolean): JsonSchema {
  const info = messageInfo(schema);
  if (info) {
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    for (const [name, field] of Object.entries(info.fields)) {
      const property = toJsonSchema(field.schema, kubernetes);
      const nullable = field.presence === "nullable";
      properties[name] = nullable && kubernetes ? { ...property, nullable: true } : property;
      if (field.presence === "required") required.push(name);
    }
    return {
      type: "object",
      properties,
      ...(required.length > 0 && { required }),
      ...(!kubernetes && { additionalProperties: false }),
      ...exclusive(info.oneofs),
    };
  }
  if (isStruct(schema)) return { type: "object", ...(kubernetes && { "x-kubernetes-preserve-unknown-fields": true }) };
  const def = schema._zod.def as unknown as Readonly<Record<string, unknown>>;
  const checks = ((def.checks ?? []) as readonly Check[]).map((check) => check._zod.def);
  if (def.element)
    return {
      type: "array",
      items: toJsonSchema(def.element as Schema, kubernetes),
      ...limits(checks, "Items", kubernetes),
    };
  if (def.valueType)
    return {
      type: "object",
      additionalProperties: toJsonSchema(def.valueType as Schema, kubernetes),
      ...limits(checks, "Properties", kubernetes),
    };
  if (def.entries) return { type: "string", enum: Object.keys(def.entries) };
  if (def.type === "boolean") return { type: "boolean" };
  if (def.type === "number")
    return { type: isWhole(def, checks) ? "integer" : "number", ...limits(checks, "", kubernetes) };
  return { type: "string", ...limits(checks, "Length", kubernetes) };
}

function isWhole(
  def: Readonly<Record<string, unknown>>,
  checks: readonly Readonly<Record<string, unknown>>[],
): boolean {
  return [def, ...checks].some(({ format }) => format === "safeint");
}

/** At most one of each group, in the form that structural schemas allow. */
function exclusive(oneofs: readonly (readonly string[])[]): JsonSchema {
  const groups = oneofs.map((group) => {
    const each = group.map((name) => ({ required: [name] }));
    return { oneOf: [{ not: { anyOf: each } }, ...each] };
  });
  const [first] = groups;
  return groups.length > 1 ? { allOf: groups } : (first ?? {});
}

function limits(
  checks: readonly Readonly<Record<string, unknown>>[],
  what: "Items" | "Properties" | "Length" | "",
  kubernetes: boolean,
): JsonSchema {
  const schema: Record<string, unknown> = {};
  const [min, max] = what === "" ? ["minimum", "maximum"] : [`min${what}`, `max${what}`];
  for (const { check, minimum, maximum, value, pattern, params } of checks) {
    const { entries, unique, format } = (params ?? {}) as { entries?: Bounds; unique?: string; format?: string };
    const bounds: Bounds = entries ?? {};
    const low = bounds.min ?? minimum ?? (check === "greater_than" ? value : undefined);
    const high = bounds.max ?? maximum ?? (check === "less_than" ? value : undefined);
    if (typeof low === "number" && Number.isFinite(low)) schema[min ?? ""] = low;
    if (typeof high === "number" && Math.abs(high) < Number.MAX_SAFE_INTEGER) schema[max ?? ""] = high;
    if (pattern instanceof RegExp && check === "string_format") schema.pattern = pattern.source.replaceAll("\\/", "/");
    if (unique === "value" && kubernetes) schema["x-kubernetes-list-type"] = "set";
    else if (unique !== undefined && kubernetes) {
      schema["x-kubernetes-list-type"] = "map";
      schema["x-kubernetes-list-map-keys"] = [unique];
    }
    if (format === "duration" && kubernetes && params !== undefined && (params as { positive?: boolean }).positive)
      schema["x-kubernetes-validations"] = [
        { rule: "duration(self) >= duration('1ms')", message: "must be a valid duration of at least 1ms" },
      ];
  }
  return schema;
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}
