/** Looking into documents whose shape is not known to be right: what is not there or of another type is absent. */
export type Json = Readonly<Record<string, unknown>>;

export function record(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function records(value: unknown): readonly Json[] {
  return list(value).map(record);
}

/** A string; empty when it is something else. */
export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function texts(value: unknown): readonly string[] {
  return list(value).filter((item) => typeof item === "string");
}

export function labels(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(record(value)).map(([key, label]) => [key, String(label)]));
}

/** The value at a chain of keys. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  let found: unknown = value;
  for (const key of keys) found = record(found)[key];
  return found;
}
