import { Reader, Writer } from "protobufjs/minimal.js";
import { CaError } from "../error.ts";
import { MAX_MESSAGE_BYTES } from "./wire.ts";

// Messages of `fairlead.ca.v1.JwtSvids`:
//   MintRequest    repeated string audiences = 1; int64 ttl_seconds = 2;
//   MintResponse   string token = 1; int64 expires_at = 2;   milliseconds since the epoch
//   BundleResponse string spiffe_bundle = 1;                 SPIFFE's JSON

export interface MintRequest {
  readonly audiences: readonly string[];
  readonly ttlSeconds: number;
}

/** Throws OPTION_INVALID. */
export function decodeMintRequest(bytes: Uint8Array): MintRequest {
  const invalid = (cause?: unknown) => new CaError("OPTION_INVALID", "the message is not a MintRequest", { cause });
  if (bytes.length > MAX_MESSAGE_BYTES) throw invalid();
  const audiences: string[] = [];
  let ttlSeconds = 0;
  try {
    const reader = Reader.create(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 10) audiences.push(reader.string());
      else if (tag === 16) ttlSeconds = Number(reader.int64());
      else reader.skipType(tag & 7);
    }
  } catch (error) {
    throw invalid(error);
  }
  if (audiences.length > 64) throw new CaError("OPTION_INVALID", "more than 64 audiences");
  return { audiences, ttlSeconds };
}

export function encodeMintRequest({ audiences, ttlSeconds }: MintRequest): Buffer {
  const writer = Writer.create();
  for (const audience of audiences) writer.uint32(10).string(audience);
  if (ttlSeconds > 0) writer.uint32(16).int64(ttlSeconds);
  return Buffer.from(writer.finish());
}

/** A text and a number: what both responses are made of. */
export function encodeTextAndNumber(text: string, number: number): Buffer {
  return Buffer.from(Writer.create().uint32(10).string(text).uint32(16).int64(number).finish());
}

export function decodeTextAndNumber(bytes: Uint8Array): { readonly text: string; readonly number: number } {
  let [text, number] = ["", 0];
  const reader = Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 10) text = reader.string();
    else if (tag === 16) number = Number(reader.int64());
    else reader.skipType(tag & 7);
  }
  return { text, number };
}
