import * as z from "zod/mini";
import { type DurationText, parseDuration } from "../common/duration.ts";

/**
 * The words the kinds' schemas are written in: protobuf messages in their JSON form, as a Kubernetes CRD checks them.
 * Every field is optional unless it is {@link required}. Built on zod/mini, whose parsers are interpreted (no code is
 * generated at run time).
 */

/** A zod schema of values of type `T`. */
export type Schema<T = unknown> = z.core.$ZodType<T>;

/** The type of the values a schema describes. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

type Presence = "required" | "nullable" | "optional";

/** A field that is not merely optional: `required`, or `nullable` (null means absent, as for protobuf's wrapper types). */
export interface Field<T = unknown, P extends Presence = Presence> {
  readonly presence: P;
  readonly schema: Schema<T>;
  readonly alias?: string;
}

export type Shape = Readonly<Record<string, Schema | Field>>;

type FieldType<F> = F extends Field<infer T> ? T : Infer<F>;
type Simplify<T> = { [K in keyof T]: T[K] } & {};
type Plain<S extends Shape> = Simplify<
  { readonly [K in keyof S as S[K] extends Field<unknown, "required"> ? K : never]: FieldType<S[K]> } & {
    readonly [K in keyof S as S[K] extends Field<unknown, "required"> ? never : K]?: FieldType<S[K]>;
  }
>;

/** One of `Keys` or none; never two. */
type OneOf<T, Keys extends keyof T> =
  | {
      [K in Keys]: { readonly [P in K]-?: Exclude<T[P], undefined> } & { readonly [P in Exclude<Keys, K>]?: never };
    }[Keys]
  | { readonly [P in Keys]?: never };

type WithOneOfs<T, Groups extends readonly (readonly string[])[]> = Groups extends readonly [
  infer G extends readonly string[],
  ...infer Rest extends readonly (readonly string[])[],
]
  ? WithOneOfs<T, Rest> & OneOf<T, Extract<G[number], keyof T>>
  : unknown;

type MessageOf<S extends Shape, Groups extends readonly (readonly string[])[]> = Groups extends readonly []
  ? Plain<S>
  : Distribute<Omit<Plain<S>, Groups[number][number]> & WithOneOfs<Plain<S>, Groups>>;
type Distribute<T> = T extends unknown ? Simplify<T> : never;

/** Marks a field that must be there. */
export function required<T>(schema: Schema<T>): Field<T, "required"> {
  return { presence: "required", schema };
}

/** Marks a field for which null means absent (the wrapper types of protobuf: `google.protobuf.UInt32Value`, …). */
export function nullable<T>(schema: Schema<T>): Field<T, "nullable"> {
  return { presence: "nullable", schema };
}

/** An optional field that the CRD also takes by a second name, its protobuf one. */
export function alsoNamed<T>(alias: string, field: Schema<T> | Field<T>): Field<T, "optional" | "nullable"> {
  const nullable = "presence" in field && field.presence === "nullable";
  return { presence: nullable ? "nullable" : "optional", schema: "presence" in field ? field.schema : field, alias };
}

/** What the walkers (paths, JSON Schema, leniency) read of a message. */
export interface MessageInfo {
  readonly fields: Readonly<Record<string, { readonly presence: Presence; readonly schema: Schema }>>;
  readonly oneofs: readonly (readonly string[])[];
}

const MESSAGES = new WeakMap<Schema, MessageInfo>();

/** The fields and oneofs of a schema made by {@link message}; undefined for any other schema. */
export function messageInfo(schema: Schema): MessageInfo | undefined {
  return MESSAGES.get(schema);
}

/** A protobuf message: unknown fields are errors; of each group in `oneofs` at most one may be set. */
export function message<S extends Shape, const Groups extends readonly (readonly (keyof S & string)[])[]>(
  shape: S,
  ...oneofs: Groups
): Schema<MessageOf<S, Groups>> {
  const zodShape: Record<string, Schema> = {};
  const fields: Record<string, { presence: Presence; schema: Schema }> = {};
  const nullables: string[] = [];
  const aliases: [alias: string, name: string][] = [];
  for (const [name, field] of Object.entries(shape)) {
    const presence = "presence" in field ? field.presence : "optional";
    const schema = "presence" in field ? field.schema : field;
    fields[name] = { presence, schema };
    zodShape[name] = presence === "required" ? schema : z.optional(schema);
    if (presence === "nullable") nullables.push(name);
    if ("presence" in field && field.alias !== undefined) aliases.push([field.alias, name]);
  }
  let result: Schema = z.strictObject(zodShape).check(...oneofs.map((group) => atMostOne(group)));
  if (nullables.length > 0) result = z.pipe(z.transform(dropNulls(nullables)), result);
  if (aliases.length > 0) result = z.pipe(z.transform(renameAliases(aliases)), result);
  MESSAGES.set(result, { fields, oneofs });
  return result as Schema<MessageOf<S, Groups>>;
}

function atMostOne(group: readonly string[]) {
  return z.refine(
    (value) => group.filter((name) => isSet((value as Readonly<Record<string, unknown>>)[name])).length <= 1,
    { when: ({ value }) => typeof value === "object" && value !== null, params: { oneof: group } },
  );
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

function dropNulls(names: readonly string[]): (value: unknown) => unknown {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const record = value as Readonly<Record<string, unknown>>;
    if (!names.some((name) => record[name] === null)) return value;
    return Object.fromEntries(Object.entries(record).filter(([name, item]) => item !== null || !names.includes(name)));
  };
}

function renameAliases(aliases: readonly (readonly [alias: string, name: string])[]): (value: unknown) => unknown {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const record: Record<string, unknown> = { ...value };
    for (const [alias, name] of aliases) {
      if (!(alias in record) || name in record) continue;
      record[name] = record[alias];
      delete record[alias];
    }
    return record;
  };
}

interface Size {
  readonly min?: number;
  readonly max?: number;
}

/** A string; lengths in characters. */
export function text(limits: Size & { readonly pattern?: RegExp } = {}): Schema<string> {
  const checks: z.core.$ZodCheck<string>[] = [];
  if (limits.min !== undefined) checks.push(z.minLength(limits.min));
  if (limits.max !== undefined) checks.push(z.maxLength(limits.max));
  if (limits.pattern !== undefined) checks.push(z.regex(limits.pattern));
  return checks.length > 0 ? z.string().check(...checks) : z.string();
}

/** A boolean. */
export function flag(): Schema<boolean> {
  return z.boolean();
}

/** Base64 of the standard alphabet with padding, not empty: a CRD (`format: byte`) takes no other. */
export function bytes(): Schema<string> {
  return z.string().check(z.refine((value) => BASE64.test(value), { params: { expected: "base64" } }));
}

const BASE64 = /^(?!$)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function whole(min: number, max: number): Schema<number> {
  return z.int().check(z.gte(min), z.lte(max));
}

export function int32({ min = -2147483648, max = 2147483647 }: Size = {}): Schema<number> {
  return whole(min, max);
}

export function uint32({ min = 0, max = 4294967295 }: Size = {}): Schema<number> {
  return whole(min, max);
}

/** As far as JSON numbers are exact: 2^53 - 1. */
export function int64({ min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Size = {}): Schema<number> {
  return whole(min, max);
}

/** As far as JSON numbers are exact: 2^53 - 1. */
export function uint64({ min = 0, max = Number.MAX_SAFE_INTEGER }: Size = {}): Schema<number> {
  return whole(min, max);
}

export function double({ min, max }: Size = {}): Schema<number> {
  const checks: z.core.$ZodCheck<number>[] = [];
  if (min !== undefined) checks.push(z.gte(min));
  if (max !== undefined) checks.push(z.lte(max));
  return checks.length > 0 ? z.number().check(...checks) : z.number();
}

/** An enum, by the names of its values. */
export function choice<const V extends readonly [string, ...string[]]>(...values: V): Schema<V[number]> {
  return z.enum(values) as Schema<V[number]>;
}

/** A duration of at least 1 ms, as `1h30m`, `0.5s`, `250ms`. */
export function duration(): Schema<DurationText> {
  return DURATION;
}

/** A duration, also zero or negative; what is allowed is up to the kind's validation. */
export function anyDuration(): Schema<DurationText> {
  return ANY_DURATION;
}

const DURATION = durationSchema("a duration of at least 1ms", true);
const ANY_DURATION = durationSchema("a duration", false);

function durationSchema(expected: string, positive: boolean): Schema<DurationText> {
  const schema: Schema<string> = z.string().check(
    z.refine(
      (value) => {
        const milliseconds = parseDuration(value);
        return milliseconds !== undefined && (!positive || milliseconds >= 1);
      },
      { params: { expected, format: "duration", positive } },
    ),
  );
  return schema as Schema<DurationText>;
}

/** Free-form JSON object (`google.protobuf.Struct`); handed on as it is. */
export function struct(): Schema<Readonly<Record<string, unknown>>> {
  return STRUCT;
}

const STRUCT: Schema<Readonly<Record<string, unknown>>> = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  { params: { expected: "object" } },
);

/** Whether a schema was made by {@link struct}. */
export function isStruct(schema: Schema): boolean {
  return schema === STRUCT;
}

/**
 * A repeated field. `unique` names the field by which the items form a map (`x-kubernetes-list-map-keys`); `distinct`: no
 * two items are equal (`x-kubernetes-list-type: set`, for strings and numbers).
 */
export function list<T>(
  item: Schema<T>,
  limits: Size & { readonly unique?: string; readonly distinct?: true } = {},
): Schema<readonly T[]> {
  const checks: z.core.$ZodCheck<unknown[]>[] = [];
  const { min, max, unique, distinct } = limits;
  if (min !== undefined) checks.push(z.minLength(min));
  if (max !== undefined) checks.push(z.maxLength(max));
  if (unique !== undefined)
    checks.push(
      z.refine(
        (items: unknown[]) => {
          const keys = items.map((entry) => (entry as Readonly<Record<string, unknown>> | null)?.[unique]);
          return new Set(keys).size === keys.length;
        },
        { params: { unique } },
      ),
    );
  if (distinct)
    checks.push(z.refine((items: unknown[]) => new Set(items).size === items.length, { params: { unique: "value" } }));
  const array = z.array(item as z.core.SomeType);
  return (checks.length > 0 ? array.check(...(checks as never[])) : array) as unknown as Schema<readonly T[]>;
}

/** A protobuf map with string keys. */
export function map<T>(value: Schema<T>, limits: Size = {}): Schema<Readonly<Record<string, T>>> {
  const checks: z.core.$ZodCheck<object>[] = [];
  const { min, max } = limits;
  const count = (test: (size: number) => boolean, bounds: Size) =>
    checks.push(z.refine((entries: object) => test(Object.keys(entries).length), { params: { entries: bounds } }));
  if (min !== undefined) count((size) => size >= min, { min });
  if (max !== undefined) count((size) => size <= max, { max });
  const record = z.record(z.string(), value as z.core.SomeType);
  return (checks.length > 0 ? record.check(...(checks as never[])) : record) as unknown as Schema<
    Readonly<Record<string, T>>
  >;
}
