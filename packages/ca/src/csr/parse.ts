import type { AlternativeName } from "../certificate/alternative-name.ts";
import { readAlternativeNames, TooManyNames } from "../certificate/alternative-name.ts";
import {
  EXTENSION,
  type Extension,
  readBasicConstraints,
  readExtendedKeyUsage,
  readExtensions,
  readKeyUsage,
} from "../certificate/extension.ts";
import { type NameAttribute, readName } from "../certificate/name.ts";
import {
  atEnd,
  bitStringBytes,
  cursor,
  DerError,
  enter,
  expect,
  inside,
  integer,
  mustEnd,
  next,
  objectIdentifier,
  peekTag,
  TAG,
  whole,
} from "../der/reader.ts";
import { CaError } from "../error.ts";
import { decodeSinglePem } from "../pem.ts";
import { readSubjectKey, type SubjectKey } from "./public-key.ts";
import { readSignatureAlgorithm, type SignatureAlgorithm } from "./signature.ts";

/** What a request asks for beside its key. */
export interface RequestedExtensions {
  readonly names: readonly AlternativeName[];
  readonly ca: boolean;
  readonly keyUsage: number;
  readonly extendedKeyUsage: readonly string[];
  /** What no profile of ours ever grants, for the message. */
  readonly refused: readonly string[];
}

/** A PKCS #10 request (RFC 2986), taken apart. Its signature is not checked yet. */
export interface ParsedCsr {
  readonly signed: Uint8Array;
  readonly subject: readonly NameAttribute[];
  readonly key: SubjectKey;
  readonly requested: RequestedExtensions;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
}

const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const ATTRIBUTES = 0xa0;
const NOTHING: RequestedExtensions = { names: [], ca: false, keyUsage: 0, extendedKeyUsage: [], refused: [] };

/**
 * Reads a PEM certificate request strictly: one block, DER and not BER, nothing left over, at most `maxBytes` of DER.
 * Throws {@link CaError} (CSR_TOO_LARGE, CSR_MALFORMED, and the codes of keys and algorithms).
 */
export function parseCsr(pem: string, maxBytes: number): ParsedCsr {
  if (typeof pem !== "string") throw new CaError("CSR_MALFORMED", "the request is not a text");
  if (pem.length > maxBytes * 1.5 + 128)
    throw new CaError("CSR_TOO_LARGE", `the request has ${pem.length} characters; at most ${maxBytes} bytes are read`);
  const bytes = decodeSinglePem(pem, ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"], "CSR_MALFORMED");
  if (bytes.length > maxBytes)
    throw new CaError("CSR_TOO_LARGE", `the request has ${bytes.length} bytes; at most ${maxBytes} are read`);
  try {
    return readCsr(bytes);
  } catch (error) {
    if (error instanceof DerError) throw new CaError("CSR_MALFORMED", error.message);
    if (error instanceof TooManyNames) throw new CaError("CSR_TOO_LARGE", error.message);
    throw error;
  }
}

function readCsr(bytes: Uint8Array): ParsedCsr {
  const outer = cursor(bytes);
  const request = enter(outer, TAG.SEQUENCE, "certification request");
  mustEnd(outer, "certification request");
  const info = expect(request, TAG.SEQUENCE, "certification request info");
  const body = inside(request, info);
  const version = integer(body, "version");
  if (version.length !== 1 || version[0] !== 0) throw new DerError("the version is not 0");
  const subject = readName(body, "subject");
  const key = readSubjectKey(body);
  const attributes = enter(body, ATTRIBUTES, "attributes");
  mustEnd(body, "certification request info");
  const requested = readAttributes(attributes);
  const algorithm = readSignatureAlgorithm(request);
  const signature = bitStringBytes(request, "signature");
  mustEnd(request, "certification request");
  return { signed: whole(request, info), subject, key, requested, algorithm, signature };
}

function readAttributes(attributes: ReturnType<typeof cursor>): RequestedExtensions {
  let requested: RequestedExtensions | undefined;
  const refused: string[] = [];
  let count = 0;
  while (!atEnd(attributes)) {
    if (++count > 32) throw new CaError("CSR_TOO_LARGE", "more than 32 attributes");
    const attribute = enter(attributes, TAG.SEQUENCE, "attribute");
    const type = objectIdentifier(attribute, "attribute");
    const values = enter(attribute, TAG.SET, "attribute values");
    mustEnd(attribute, "attribute");
    if (type !== EXTENSION_REQUEST) {
      while (!atEnd(values)) next(values);
      refused.push(`attribute ${type}`);
    } else if (requested === undefined) {
      const extensions = readExtensions(values);
      mustEnd(values, "extension request");
      requested = readRequested(extensions);
    } else {
      next(values);
      refused.push("a second extension request");
    }
  }
  if (requested === undefined) return refused.length === 0 ? NOTHING : { ...NOTHING, refused };
  return refused.length === 0 ? requested : { ...requested, refused: [...requested.refused, ...refused] };
}

function readRequested(extensions: readonly Extension[]): RequestedExtensions {
  let { names, ca, keyUsage, extendedKeyUsage } = NOTHING;
  const refused: string[] = [];
  const seen = new Set<string>();
  for (const { oid, value } of extensions) {
    if (seen.has(oid)) {
      refused.push(`a second extension ${oid}`);
      continue;
    }
    seen.add(oid);
    const from = cursor(value);
    if (oid === EXTENSION.subjectAltName) names = readAlternativeNames(from);
    else if (oid === EXTENSION.basicConstraints) {
      const constraints = readBasicConstraints(from);
      ca = constraints.ca;
    } else if (oid === EXTENSION.keyUsage) keyUsage = readKeyUsage(from);
    else if (oid === EXTENSION.extendedKeyUsage) extendedKeyUsage = readExtendedKeyUsage(from);
    else {
      if (peekTag(from) < 0) throw new DerError(`extension ${oid}: empty`);
      refused.push(`extension ${oid}`);
    }
  }
  return { names, ca, keyUsage, extendedKeyUsage, refused };
}
