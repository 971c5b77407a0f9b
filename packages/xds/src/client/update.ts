import protobuf from "protobufjs/minimal.js";
import { decode } from "../proto/codec.ts";
import { isKnownMessage, messageTable } from "../proto/table.ts";
import { resourceType } from "../resource-type.ts";
import { XdsError } from "../xds-error.ts";

/** A resource as it came. */
export interface ReceivedResource {
  readonly name: string;
  /** Of the resource (delta) or of the whole response (state of the world). */
  readonly version: string;
  readonly bytes: Uint8Array;
  /** The message as protobuf JSON, decoded when it is first read. */
  readonly json: object;
}

/** One response. */
export interface Update {
  readonly typeUrl: string;
  readonly version: string;
  readonly nonce: string;
  readonly resources: readonly ReceivedResource[];
  /** Names that are gone, or do not exist (delta; for types sent in full in the state of the world, what is missing). */
  readonly removed: readonly string[];
}

function receivedResource(typeUrl: string, name: string, version: string, bytes: Uint8Array): ReceivedResource {
  let json: object | undefined;
  return {
    name,
    version,
    bytes,
    get json() {
      json ??= decode(resourceType(typeUrl).message, bytes);
      return json;
    },
  };
}

/** The name inside a resource; state-of-the-world responses do not say it beside. Nothing else of it is decoded. */
function nameOf(typeUrl: string, bytes: Uint8Array): string {
  const { message, nameField } = resourceType(typeUrl);
  let type = message;
  let part: Uint8Array = bytes;
  for (const name of nameField.split(".")) {
    const field = isKnownMessage(type) ? messageTable(type).byName.get(name) : undefined;
    let found: Uint8Array = new Uint8Array();
    eachField(part, (number, value) => {
      if (number === field?.number) found = value;
    });
    type = field?.type ?? "";
    part = found;
  }
  return text(part);
}

/** Calls `field` with the number of each length-delimited field and its bytes. */
function eachField(bytes: Uint8Array, field: (number: number, value: Uint8Array) => void): void {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if ((tag & 7) === 2) field(tag >>> 3, reader.bytes());
    else reader.skipType(tag & 7);
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function anyValue(bytes: Uint8Array): Uint8Array {
  let value: Uint8Array = new Uint8Array();
  eachField(bytes, (number, part) => {
    if (number === 2) value = part;
  });
  return value;
}

/** Reads a `DiscoveryResponse` (`removed` is left empty) or `DeltaDiscoveryResponse`; resources keep the bytes as sent. */
export function readUpdate(mode: "sotw" | "delta", bytes: Uint8Array): Update {
  let version = "";
  let typeUrl = "";
  let nonce = "";
  const parts: Uint8Array[] = [];
  const removed: string[] = [];
  try {
    eachField(bytes, (number, value) => {
      if (number === 1) version = text(value);
      else if (number === 2) parts.push(value);
      else if (number === 4) typeUrl = text(value);
      else if (number === 5) nonce = text(value);
      else if (number === 6 && mode === "delta") removed.push(text(value));
    });
    const resources = parts.map((part) => {
      if (mode === "sotw") {
        const value = anyValue(part);
        return receivedResource(typeUrl, nameOf(typeUrl, value), version, value);
      }
      let name = "";
      let own = "";
      let value: Uint8Array = new Uint8Array();
      eachField(part, (number, field) => {
        if (number === 1) own = text(field);
        else if (number === 2) value = anyValue(field);
        else if (number === 3) name = text(field);
      });
      return receivedResource(typeUrl, name, own, value);
    });
    return { typeUrl, version, nonce, resources, removed };
  } catch (error) {
    throw error instanceof XdsError ? error : new XdsError("malformed", "not a discovery response", { cause: error });
  }
}
