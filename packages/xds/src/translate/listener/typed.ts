import type { AnyMessage, EnvoyMessages } from "../../proto/types.ts";

/** A message as the content of a `google.protobuf.Any`. */
export function typed<T extends keyof EnvoyMessages>(type: T, message: EnvoyMessages[T]): AnyMessage {
  return { "@type": `type.googleapis.com/${type}`, ...message };
}

/** The object without its undefined fields: absence is how the protobuf JSON shape says "default". */
export function defined<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  const kept: Partial<T> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept as T;
}
