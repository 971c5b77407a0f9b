import protobuf from "protobufjs";
import type { Descriptor, FieldRow } from "./descriptor-shape.d.ts";

/**
 * The field tables of every message of a root. A row is `[number, proto name, type, label?, oneof?]`; the label is empty,
 * `r` (repeated), `p` (repeated, not packed), `o` (explicit presence) or `m:KEYTYPE` (map).
 */
export function describe(root: protobuf.Root): Descriptor {
  const messages: Record<string, FieldRow[]> = {};
  const enums: Record<string, Record<string, number>> = {};
  const visit = (namespace: protobuf.NamespaceBase) => {
    for (const item of namespace.nestedArray) {
      const name = item.fullName.slice(1);
      if (item instanceof protobuf.Type) messages[name] = item.fieldsArray.map(fieldRow).sort((a, b) => a[0] - b[0]);
      if (item instanceof protobuf.Enum) enums[name] = item.values;
      if (item instanceof protobuf.Namespace) visit(item);
    }
  };
  visit(root);
  const sorted = <V>(record: Record<string, V>): Record<string, V> =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { messages: sorted(messages), enums: sorted(enums) };
}

function fieldRow(field: protobuf.Field): FieldRow {
  const type = field.resolvedType ? field.resolvedType.fullName.slice(1) : field.type;
  const oneof = field.partOf && !field.partOf.isProto3Optional ? field.partOf.name : undefined;
  const message = field.resolvedType instanceof protobuf.Type;
  let label = "";
  if (field instanceof protobuf.MapField) label = `m:${field.keyType}`;
  else if (field.repeated) label = field.packed || message || /^(string|bytes)$/.test(type) ? "r" : "p";
  else if (field.hasPresence && !message) label = "o";
  if (oneof) return [field.id, field.name, type, label, oneof];
  return label ? [field.id, field.name, type, label] : [field.id, field.name, type];
}
