import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { fieldPaths, GATEWAY_API_KINDS, type GatewayApiKind } from "../src/index.ts";

export type Json = Record<string, unknown>;

/** Documents that show every field of the Gateway API's kinds. */
export const documents: readonly Json[] = parseAllDocuments(
  readFileSync(new URL("gateway-api-fields.yaml", import.meta.url), "utf8"),
).map((document) => document.toJS() as Json);

export type Edit = (value: unknown) => unknown;
export const remove: Edit = () => undefined;
export const change: Edit = (value) =>
  typeof value === "string"
    ? `${value}x`
    : typeof value === "number"
      ? value + 1
      : typeof value === "boolean"
        ? !value
        : value;

/** A copy with the field edited wherever it stands. */
export function edited(value: unknown, [field, ...rest]: readonly string[], edit: Edit): unknown {
  if (field === undefined) return edit(value);
  const [, name = "", form] = /^(.*?)(\[\]|\{\})?$/.exec(field) ?? [];
  if (typeof value !== "object" || value === null || !(name in value)) return value;
  const { [name]: found, ...others } = value as Json;
  const inside = (item: unknown) => edited(item, rest, edit);
  const all =
    form === "[]"
      ? (found as readonly unknown[]).map(inside).filter((item) => item !== undefined)
      : form === "{}"
        ? Object.fromEntries(Object.entries(found as Json).map(([key, item]) => [`${key}x`, item]))
        : inside(found);
  return all === undefined ? others : { ...others, [name]: all };
}

/** Kinds and the paths of their fields. UDPRoute is reported as a whole. */
export const fields: readonly (readonly [kind: GatewayApiKind, path: string])[] = (
  Object.keys(GATEWAY_API_KINDS) as GatewayApiKind[]
)
  .filter((kind) => kind !== "UDPRoute")
  .flatMap((kind) => fieldPaths(GATEWAY_API_KINDS[kind].schema).map((path) => [kind, path] as const));
