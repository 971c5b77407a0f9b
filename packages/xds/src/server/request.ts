import { createHash } from "node:crypto";
import type { NodeJson } from "@fairlead/model";
import protobuf from "protobufjs/minimal.js";
import { decode } from "../proto/codec.ts";
import { XdsError } from "../xds-error.ts";

/** Resource names of a request, read only when nobody with the same bytes has read them before. */
export interface NameList {
  /** Of the bytes: equal keys, equal names. Empty for no names. */
  readonly key: string;
  read(): readonly string[];
}

/** What both protocols' requests say. */
export interface Request {
  readonly node: NodeJson | undefined;
  readonly typeUrl: string;
  readonly nonce: string;
  /** Present: the response with that nonce was rejected. */
  readonly error: { readonly code: number; readonly message: string } | undefined;
  /** State of the world: the names wanted. Delta: the names added. */
  readonly names: NameList;
  /** Delta only. */
  readonly unsubscribe: NameList;
  /** State of the world only: what the client has, from an earlier stream perhaps. */
  readonly version: string;
  /** Delta only: name to version of what the client has from an earlier stream. */
  readonly initialVersions: ReadonlyMap<string, string>;
}

const NO_NAMES: NameList = { key: "", read: () => [] };
const NO_VERSIONS: ReadonlyMap<string, string> = new Map();

/** The numbers of the fields in the two request messages. */
const FIELDS = {
  sotw: { version: 1, node: 2, names: 3, typeUrl: 4, nonce: 5, error: 6, unsubscribe: 0, initialVersions: 0 },
  delta: { version: 0, node: 1, names: 3, typeUrl: 2, nonce: 6, error: 7, unsubscribe: 4, initialVersions: 5 },
} as const;

/** Reads a `DiscoveryRequest` or `DeltaDiscoveryRequest`. Throws `XdsError` (`malformed`). */
export function readRequest(mode: "sotw" | "delta", bytes: Uint8Array): Request {
  try {
    return read(mode, bytes);
  } catch (error) {
    if (error instanceof XdsError) throw error;
    throw new XdsError("malformed", `not a discovery request: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

function read(mode: "sotw" | "delta", bytes: Uint8Array): Request {
  const field = FIELDS[mode];
  const reader = protobuf.Reader.create(bytes);
  const names = nameCollector(bytes, field.names);
  const unsubscribe = nameCollector(bytes, field.unsubscribe);
  const request = {
    node: undefined as NodeJson | undefined,
    typeUrl: "",
    nonce: "",
    error: undefined as Request["error"],
    version: "",
  };
  let versions: Map<string, string> | undefined;
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const number = tag >>> 3;
    if ((tag & 7) !== 2) reader.skipType(tag & 7);
    else if (number === field.names || number === field.unsubscribe) {
      reader.skipType(2);
      (number === field.names ? names : unsubscribe).add(start, reader.pos);
    } else if (number === field.typeUrl) request.typeUrl = reader.string();
    else if (number === field.nonce) request.nonce = reader.string();
    else if (number === field.version) request.version = reader.string();
    else if (number === field.node) request.node = decode("envoy.config.core.v3.Node", reader.bytes()) as NodeJson;
    else if (number === field.error) {
      const { code = 0, message = "" } = decode("google.rpc.Status", reader.bytes());
      request.error = { code, message };
    } else if (number === field.initialVersions) {
      versions ??= new Map();
      readVersion(reader, versions);
    } else reader.skipType(2);
  }
  return {
    ...request,
    names: names.list(),
    unsubscribe: unsubscribe.list(),
    initialVersions: versions ?? NO_VERSIONS,
  };
}

function readVersion(reader: protobuf.Reader, versions: Map<string, string>): void {
  const end = reader.uint32() + reader.pos;
  let name = "";
  let version = "";
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 10) name = reader.string();
    else if (tag === 18) version = reader.string();
    else reader.skipType(tag & 7);
  }
  versions.set(name, version);
}

/** Clients write a repeated field in one run, which is then hashed as it is. */
function nameCollector(bytes: Uint8Array, number: number) {
  const runs: [start: number, end: number][] = [];
  return {
    add(start: number, end: number) {
      const last = runs.at(-1);
      if (last && last[1] === start) last[1] = end;
      else runs.push([start, end]);
    },
    list(): NameList {
      if (runs.length === 0) return NO_NAMES;
      const hash = createHash("sha256");
      for (const [start, end] of runs) hash.update(bytes.subarray(start, end));
      return {
        key: hash.digest("base64"),
        read: () => runs.flatMap(([start, end]) => readNames(bytes, number, start, end)),
      };
    },
  };
}

function readNames(bytes: Uint8Array, number: number, start: number, end: number): string[] {
  const reader = protobuf.Reader.create(bytes.subarray(start, end));
  const names: string[] = [];
  while (reader.pos < reader.len) if (reader.uint32() >>> 3 === number) names.push(reader.string());
  return names;
}
