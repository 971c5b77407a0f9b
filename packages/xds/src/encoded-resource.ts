import { hash } from "node:crypto";
import type { ObjectRef } from "@fairlead/model";
import { encode, encodeImmutable } from "./proto/codec.ts";

/** A resource, encoded once and shared by every stream that is sent it. */
export interface EncodedResource {
  readonly name: string;
  readonly typeUrl: string;
  /** Content hash of `bytes`: equal on every replica and after every restart. */
  readonly version: string;
  /** The message itself (the value of the `Any`). */
  readonly bytes: Uint8Array;
  /** The objects it was made from, for attribution of a NACK. */
  readonly sources: readonly ObjectRef[];
}

/** 96 bits of SHA-256, in base64url. */
export function contentHash(bytes: Uint8Array): string {
  return hash("sha256", bytes, "base64url").slice(0, 16);
}

/** Bytes in use, by type and hash. Weak: what nobody holds any more goes away. */
const interned = new Map<string, WeakRef<Uint8Array>>();
const collected = new FinalizationRegistry<string>((key) => {
  if (interned.get(key)?.deref() === undefined) interned.delete(key);
});

function intern(key: string, bytes: Uint8Array): Uint8Array {
  const found = interned.get(key)?.deref();
  if (found) return found;
  // Who gives the bytes may have made them in a larger buffer.
  const exact = bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
  interned.set(key, new WeakRef(exact));
  collected.register(exact, key);
  return exact;
}

/** A resource from bytes that are there already. Equal bytes share one array. */
export function resourceFromBytes(
  typeUrl: string,
  name: string,
  bytes: Uint8Array,
  sources: readonly ObjectRef[] = [],
): EncodedResource {
  const version = contentHash(bytes);
  return { name, typeUrl, version, bytes: intern(`${version}${typeUrl}`, bytes), sources };
}

/** As {@link encodeResource}, of what translation made, which nobody writes to. */
export function encodeGenerated(
  typeUrl: string,
  {
    name,
    resource,
    sources,
  }: { readonly name: string; readonly resource: object; readonly sources: readonly ObjectRef[] },
): EncodedResource {
  return resourceFromBytes(typeUrl, name, encodeImmutable(typeUrl, resource), sources);
}

/** Encodes a resource given as protobuf JSON. Throws `XdsError` with the path of what is wrong. */
export function encodeResource(
  typeUrl: string,
  name: string,
  json: object,
  sources: readonly ObjectRef[] = [],
): EncodedResource {
  return resourceFromBytes(typeUrl, name, encode(typeUrl, json), sources);
}
