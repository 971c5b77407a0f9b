import { XdsError } from "../xds-error.ts";
import { found, readEnum, readFloat } from "./scalar.ts";
import type { FieldTable } from "./table.ts";

export function asRecord(json: unknown): Record<string, unknown> {
  if (typeof json === "object" && json !== null && !Array.isArray(json) && !(json instanceof Uint8Array))
    return json as Record<string, unknown>;
  throw new XdsError("invalid-value", `expected an object, found ${found(json)}`);
}

/** JSON's null is absence, but a value of these types. */
export function takesNull(field: FieldTable): boolean {
  return field.type === "google.protobuf.Value" || field.type === "google.protobuf.NullValue";
}

/** Whether a field without presence holds its default and is left out. */
export function isDefault(field: FieldTable, value: unknown): boolean {
  switch (field.kind) {
    case "string":
    case "bytes":
      return value === "" || (value instanceof Uint8Array && value.length === 0);
    case "bool":
      return value === false;
    case "enum":
      return readEnum(field.type, value) === 0;
    case "float":
    case "double":
      return Object.is(readFloat(field.kind, value), 0);
    case "message":
      return false;
    default:
      return value === 0 || value === "0";
  }
}
