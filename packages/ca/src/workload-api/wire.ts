import { Reader, Writer } from "protobufjs/minimal.js";
import { CaError } from "../error.ts";

/** Messages of the SPIFFE Workload API (`workload.proto` of the SPIFFE standard), as bytes. */

/** Largest request, bytes: a token and its audience. */
const MAX_REQUEST = 65_536;

export interface X509Svid {
  readonly spiffeId: string;
  /** DER certificates one after the other, leaf first. */
  readonly certificates: Uint8Array;
  /** PKCS #8, DER. */
  readonly key: Uint8Array;
  /** DER roots one after the other. */
  readonly bundle: Uint8Array;
}

/** By trust domain ID, `spiffe://TRUST_DOMAIN`. */
export type BundleMap = ReadonlyMap<string, Uint8Array>;

export function encodeX509Svids(svids: readonly X509Svid[], federated: BundleMap): Buffer {
  const writer = Writer.create();
  for (const { spiffeId, certificates, key, bundle } of svids)
    writer
      .uint32(10)
      .fork()
      .uint32(10)
      .string(spiffeId)
      .uint32(18)
      .bytes(certificates)
      .uint32(26)
      .bytes(key)
      .uint32(34)
      .bytes(bundle)
      .ldelim();
  return finish(bundles(writer, 3, federated));
}

/** X509BundlesResponse, whose bundles are field 2. */
export const encodeX509Bundles = (map: BundleMap): Buffer => finish(bundles(Writer.create(), 2, map));
/** JWTBundlesResponse, whose bundles are field 1. */
export const encodeJwtBundles = (map: BundleMap): Buffer => finish(bundles(Writer.create(), 1, map));

export function encodeJwtSvids(svids: readonly { readonly spiffeId: string; readonly token: string }[]): Buffer {
  const writer = Writer.create();
  for (const { spiffeId, token } of svids)
    writer.uint32(10).fork().uint32(10).string(spiffeId).uint32(18).string(token).ldelim();
  return finish(writer);
}

/** ValidateJWTSVIDResponse: the identity and the claims as google.protobuf.Struct. */
export function encodeValidated(spiffeId: string, claims: Readonly<Record<string, unknown>>): Buffer {
  const writer = Writer.create().uint32(10).string(spiffeId).uint32(18).fork();
  struct(writer, claims);
  return finish(writer.ldelim());
}

export interface JwtSvidRequest {
  readonly audiences: readonly string[];
  readonly spiffeId: string;
}

export function decodeJwtSvidRequest(bytes: Uint8Array): JwtSvidRequest {
  const [audiences, [spiffeId = ""]] = texts(bytes);
  return { audiences, spiffeId };
}

export function decodeValidateRequest(bytes: Uint8Array): { readonly audience: string; readonly token: string } {
  const [[audience = ""], [token = ""]] = texts(bytes);
  return { audience, token };
}

/** The strings of fields 1 and 2; of a field that may come once the last counts, which is first here. */
function texts(bytes: Uint8Array): [first: string[], second: string[]] {
  const invalid = (cause?: unknown) => new CaError("OPTION_INVALID", "not a request of the Workload API", { cause });
  if (bytes.length > MAX_REQUEST) throw invalid();
  const found: [string[], string[]] = [[], []];
  try {
    const reader = Reader.create(bytes);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 10) found[0].push(reader.string());
      else if (tag === 18) found[1].unshift(reader.string());
      else reader.skipType(tag & 7);
    }
  } catch (error) {
    throw invalid(error);
  }
  return found;
}

function bundles(writer: Writer, field: number, map: BundleMap): Writer {
  for (const [domain, bytes] of map)
    writer
      .uint32((field << 3) | 2)
      .fork()
      .uint32(10)
      .string(domain)
      .uint32(18)
      .bytes(bytes)
      .ldelim();
  return writer;
}

function struct(writer: Writer, fields: Readonly<Record<string, unknown>>): void {
  for (const [key, entry] of Object.entries(fields)) {
    writer.uint32(10).fork().uint32(10).string(key).uint32(18).fork();
    value(writer, entry);
    writer.ldelim().ldelim();
  }
}

function value(writer: Writer, entry: unknown): void {
  if (typeof entry === "number") writer.uint32(17).double(entry);
  else if (typeof entry === "string") writer.uint32(26).string(entry);
  else if (typeof entry === "boolean") writer.uint32(32).bool(entry);
  else if (Array.isArray(entry)) {
    writer.uint32(50).fork();
    for (const one of entry) {
      writer.uint32(10).fork();
      value(writer, one);
      writer.ldelim();
    }
    writer.ldelim();
  } else if (typeof entry === "object" && entry !== null) {
    writer.uint32(42).fork();
    struct(writer, entry as Record<string, unknown>);
    writer.ldelim();
  } else writer.uint32(8).int32(0);
}

const finish = (writer: Writer): Buffer => Buffer.from(writer.finish());
