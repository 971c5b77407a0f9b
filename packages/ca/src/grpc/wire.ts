import { Reader, Writer } from "protobufjs/minimal.js";
import { CaError } from "../error.ts";

/** istio.v1.auth.IstioCertificateRequest (istio.io/api, security/v1alpha1/ca.proto). */
export interface CertificateRequest {
  readonly csr: string;
  /** Seconds; beyond 2^53 not exact, which is far beyond what is granted. */
  readonly validityDuration: number;
  /** google.protobuf.Struct as JSON. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** istio.v1.auth.IstioCertificateResponse: the leaf first, one PEM an element; the last element holds all roots. */
export interface CertificateResponse {
  readonly certChain: readonly string[];
}

/** Largest request message, bytes. */
export const MAX_MESSAGE_BYTES = 65_536;
const MAX_DEPTH = 16;
const MAX_VALUES = 256;

const tooLarge = (message: string) => new CaError("CSR_TOO_LARGE", message);
const text = new TextDecoder("utf-8", { fatal: true });

/** Reads a request within limits on size, depth and number of values. Throws CSR_TOO_LARGE or CSR_MALFORMED. */
export function decodeRequest(bytes: Uint8Array): CertificateRequest {
  if (bytes.length > MAX_MESSAGE_BYTES)
    throw tooLarge(`the message has ${bytes.length} bytes; at most ${MAX_MESSAGE_BYTES} are read`);
  try {
    return readRequest(Reader.create(bytes));
  } catch (error) {
    if (error instanceof CaError) throw error;
    throw new CaError("CSR_MALFORMED", "the message is not an IstioCertificateRequest", { cause: error });
  }
}

function readRequest(reader: Reader): CertificateRequest {
  let csr = "";
  let validityDuration = 0;
  let metadata: Record<string, unknown> = {};
  const budget = { values: MAX_VALUES };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 10) csr = text.decode(reader.bytes());
    else if (tag === 24) validityDuration = Number(reader.int64());
    else if (tag === 34) metadata = { ...metadata, ...readStruct(Reader.create(reader.bytes()), 1, budget) };
    else reader.skipType(tag & 7);
  }
  return { csr, validityDuration, metadata };
}

interface Budget {
  values: number;
}

function readStruct(reader: Reader, depth: number, budget: Budget): Record<string, unknown> {
  if (depth > MAX_DEPTH) throw tooLarge(`the metadata is nested more than ${MAX_DEPTH} deep`);
  const fields: Record<string, unknown> = Object.create(null);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag !== 10) {
      reader.skipType(tag & 7);
      continue;
    }
    const entry = Reader.create(reader.bytes());
    let key = "";
    let value: unknown = null;
    while (entry.pos < entry.len) {
      const inner = entry.uint32();
      if (inner === 10) key = text.decode(entry.bytes());
      else if (inner === 18) value = readValue(Reader.create(entry.bytes()), depth, budget);
      else entry.skipType(inner & 7);
    }
    fields[key] = value;
  }
  return fields;
}

function readValue(reader: Reader, depth: number, budget: Budget): unknown {
  if (--budget.values < 0) throw tooLarge(`the metadata holds more than ${MAX_VALUES} values`);
  let value: unknown = null;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 17) value = reader.double();
    else if (tag === 26) value = text.decode(reader.bytes());
    else if (tag === 32) value = reader.bool();
    else if (tag === 42) value = readStruct(Reader.create(reader.bytes()), depth + 1, budget);
    else if (tag === 50) value = readList(Reader.create(reader.bytes()), depth + 1, budget);
    else reader.skipType(tag & 7);
  }
  return value;
}

function readList(reader: Reader, depth: number, budget: Budget): unknown[] {
  if (depth > MAX_DEPTH) throw tooLarge(`the metadata is nested more than ${MAX_DEPTH} deep`);
  const values: unknown[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 10) values.push(readValue(Reader.create(reader.bytes()), depth, budget));
    else reader.skipType(tag & 7);
  }
  return values;
}

/** Metadata values of a request that are strings; other kinds are not sent by this client. */
export function encodeRequest(request: {
  readonly csr: string;
  readonly validityDuration?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}): Buffer {
  const writer = Writer.create().uint32(10).string(request.csr);
  if (request.validityDuration) writer.uint32(24).int64(request.validityDuration);
  const entries = Object.entries(request.metadata ?? {});
  if (entries.length > 0) {
    writer.uint32(34).fork();
    for (const [key, value] of entries)
      writer.uint32(10).fork().uint32(10).string(key).uint32(18).fork().uint32(26).string(value).ldelim().ldelim();
    writer.ldelim();
  }
  return Buffer.from(writer.finish());
}

export function encodeResponse(response: CertificateResponse): Buffer {
  const writer = Writer.create();
  for (const pem of response.certChain) writer.uint32(10).string(pem);
  return Buffer.from(writer.finish());
}

export function decodeResponse(bytes: Uint8Array): CertificateResponse {
  const reader = Reader.create(bytes);
  const certChain: string[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 10) certChain.push(reader.string());
    else reader.skipType(tag & 7);
  }
  return { certChain };
}
