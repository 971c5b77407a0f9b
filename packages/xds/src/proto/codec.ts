import { decodeBytes } from "./decode.ts";
import { encodeJson } from "./encode.ts";
import type { MessageOf } from "./message-of.ts";
import { messageNameOf } from "./type-url.ts";

/**
 * The bytes of a message given as protobuf JSON. `type` is a full message name or a type URL. Proto (snake_case) names, enum
 * numbers and any spelling ProtoJSON allows are accepted. Equal content gives equal bytes. Throws `XdsError` with the path.
 */
export function encode<Name extends string>(type: Name, json: MessageOf<Name>): Uint8Array {
  return encodeJson(messageNameOf(type), json);
}

/** As {@link encode}, of what translation made: bytes of `shared` parts, which nobody writes to, are kept and used again. */
export function encodeImmutable(type: string, json: object): Uint8Array {
  return encodeJson(messageNameOf(type), json, true);
}

/**
 * The canonical protobuf JSON of a message's bytes. An `Any` of a type the codec does not know keeps its bytes in `value`, as
 * base64, which `encode` takes back. Throws `XdsError` (`malformed`, `unknown-type`).
 */
export function decode<Name extends string>(type: Name, bytes: Uint8Array): MessageOf<Name> {
  return decodeBytes(messageNameOf(type), bytes) as MessageOf<Name>;
}
