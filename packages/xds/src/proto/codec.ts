import type { Diagnostic } from "@fairlead/model";
import type { EnvoyMessages } from "../../gen/envoy.d.ts";
import type { XdsError } from "../xds-error.ts";
import { canonicalJson } from "./canonical.ts";
import { decodeBytes } from "./decode.ts";
import { encodeJson } from "./encode.ts";
import { messageNameOf } from "./type-url.ts";

/** The interface of a message by its full name; plain JSON for a name that is not known at compile time. */
export type MessageOf<Name extends string> = Name extends keyof EnvoyMessages ? EnvoyMessages[Name] : object;

/**
 * The bytes of a message given as protobuf JSON. `type` is a full message name or a type URL. Proto (snake_case) names, enum
 * numbers and any spelling ProtoJSON allows are accepted. Equal content gives equal bytes. Throws `XdsError` with the path.
 */
export function encode<Name extends string>(type: Name, json: MessageOf<Name>): Uint8Array {
  return encodeJson(messageNameOf(type), json);
}

/**
 * The canonical protobuf JSON of a message's bytes. An `Any` of a type the codec does not know keeps its bytes in `value`, as
 * base64, which `encode` takes back. Throws `XdsError` (`malformed`, `unknown-type`).
 */
export function decode<Name extends string>(type: Name, bytes: Uint8Array): MessageOf<Name> {
  return decodeBytes(messageNameOf(type), bytes) as MessageOf<Name>;
}

/**
 * A message's JSON in its one canonical spelling, as `protojson` prints it: lowerCamelCase names, enum names, 64-bit integers
 * as strings, durations with 0, 3, 6 or 9 fractional digits, defaults left out. An `Any` of an unknown type stays as it is.
 * Throws `XdsError` at the first problem; {@link validate} says them all.
 */
export function canonicalize<Name extends string>(type: Name, json: object): MessageOf<Name> {
  return canonicalJson(messageNameOf(type), json, (error) => {
    throw error;
  }) as MessageOf<Name>;
}

/** Everything that keeps a JSON object from being a message of the type: unknown fields, types and enum values, bad values. */
export function validate(type: string, json: object): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  canonicalJson(messageNameOf(type), json, (error: XdsError) => {
    diagnostics.push({ code: error.code, severity: "error", path: error.path, message: error.detail });
  });
  return diagnostics;
}
