/** `[number, proto name, type, label?, oneof?]`: see packages/xds/scripts/descriptor.ts. */
export type FieldRow =
  | [number: number, name: string, type: string]
  | [number: number, name: string, type: string, label: string]
  | [number: number, name: string, type: string, label: string, oneof: string];

export interface Descriptor {
  /** Full message name to its fields, by number. */
  messages: Record<string, FieldRow[]>;
  /** Full enum name to its values, the first the default. */
  enums: Record<string, Record<string, number>>;
}
