import { verify } from "node:crypto";
import { EXTENSION, readExtensions } from "../certificate/extension.ts";
import { readName } from "../certificate/name.ts";
import { type Certificate, publicKeyOf, readTime } from "../certificate/parse.ts";
import { readSignatureAlgorithm, type SignatureAlgorithm } from "../csr/signature.ts";
import {
  atEnd,
  bitStringBytes,
  type Cursor,
  cursor,
  DerError,
  enter,
  expect,
  inside,
  integer,
  mustEnd,
  next,
  peekTag,
  TAG,
  whole,
} from "../der/reader.ts";
import { CaError } from "../error.ts";
import { decodePemFile } from "../pem.ts";

/** Largest CRL file, characters. */
const MAX_CRL = 16 * 1024 * 1024;
/** Critical extensions of a CRL that change nothing in how a complete CRL is read: the CRL number. */
const HARMLESS: ReadonlySet<string> = new Set(["2.5.29.20", EXTENSION.authorityKeyIdentifier]);

/** Revocations that hold for a chain: whether a certificate is among them. */
export type Revocations = (certificate: Certificate) => boolean;

/**
 * Reads a PEM file of CRLs (RFC 5280, section 5) and checks it against the authorities that it must cover: one CRL for
 * each of `authorities` (Envoy refuses a chain that is covered in part), signed by it and not past its nextUpdate at
 * `at` (ms). Delta and indirect CRLs are refused. Throws CRL_INVALID.
 */
export function readRevocations(pem: string, authorities: readonly Certificate[], at: number): Revocations {
  if (pem.length > MAX_CRL) throw invalid(`the CRL file has ${pem.length} characters; at most ${MAX_CRL} are read`);
  const blocks = decodePemFile(pem, "CRL_INVALID").filter(({ label }) => label === "X509 CRL");
  const revoked = new Map<string, ReadonlySet<string>>();
  for (const [index, { bytes }] of blocks.entries()) {
    const crl = readCrl(bytes, `CRL ${index + 1}`);
    const issuer = authorities.find(({ subject }) => key(subject) === crl.issuer);
    if (issuer === undefined) throw invalid(`CRL ${index + 1} is by none of the chain's authorities`);
    const { subjectText } = issuer;
    if (!isSignedBy(crl, issuer)) throw invalid(`the CRL of ${subjectText} is not signed by it`);
    if (crl.nextUpdate === undefined || crl.nextUpdate <= at) throw invalid(`the CRL of ${subjectText} has expired`);
    revoked.set(crl.issuer, crl.serials);
  }
  const uncovered = authorities.find(({ subject }) => !revoked.has(key(subject)));
  if (uncovered) throw invalid(`there is no CRL of ${uncovered.subjectText}; each authority of the chain needs one`);
  return ({ issuer, serial }) => revoked.get(key(issuer))?.has(serial) ?? false;
}

interface Crl {
  readonly signed: Uint8Array;
  readonly algorithm: SignatureAlgorithm;
  readonly signature: Uint8Array;
  /** The issuer's name, hex of its DER. */
  readonly issuer: string;
  readonly nextUpdate: number | undefined;
  /** Hex, as {@link Certificate} has them. */
  readonly serials: ReadonlySet<string>;
}

const invalid = (why: string, cause?: unknown) => new CaError("CRL_INVALID", why, cause === undefined ? {} : { cause });
const key = (name: Uint8Array): string => Buffer.from(name).toString("hex");

function readCrl(bytes: Uint8Array, what: string): Crl {
  try {
    const outer = cursor(bytes);
    const list = enter(outer, TAG.SEQUENCE, "CRL");
    mustEnd(outer, "CRL");
    const element = expect(list, TAG.SEQUENCE, "tbsCertList");
    const algorithm = readSignatureAlgorithm(list);
    const signature = bitStringBytes(list, "signature");
    mustEnd(list, "CRL");
    return { signed: whole(list, element), algorithm, signature, ...readBody(inside(list, element)) };
  } catch (cause) {
    throw invalid(`${what}: ${(cause as Error).message}`, cause);
  }
}

function readBody(body: Cursor): Pick<Crl, "issuer" | "nextUpdate" | "serials"> {
  if (peekTag(body) === TAG.INTEGER && integer(body, "version")[0] !== 1) throw new DerError("not a version 2 CRL");
  readSignatureAlgorithm(body);
  const start = body.at;
  readName(body, "issuer");
  const issuer = key(body.bytes.subarray(start, body.at));
  readTime(body);
  const timed = peekTag(body) === TAG.UTC_TIME || peekTag(body) === TAG.GENERALIZED_TIME;
  const nextUpdate = timed ? readTime(body) : undefined;
  const serials = new Set<string>();
  if (peekTag(body) === TAG.SEQUENCE) {
    const entries = enter(body, TAG.SEQUENCE, "revokedCertificates");
    while (!atEnd(entries)) {
      const entry = enter(entries, TAG.SEQUENCE, "revoked certificate");
      serials.add(key(integer(entry, "serial number")));
      next(entry); // when
      if (atEnd(entry) || isEmpty(entry)) continue;
      if (readExtensions(entry).some(({ critical }) => critical))
        throw new DerError("an entry has a critical extension: an indirect CRL, which is not supported");
    }
  }
  if (peekTag(body) === 0xa0) {
    const strange = readExtensions(enter(body, 0xa0, "extensions")).find(
      ({ oid, critical }) => critical && !HARMLESS.has(oid),
    );
    if (strange) throw new DerError(`critical extension ${strange.oid}: only complete CRLs are supported`);
  }
  mustEnd(body, "tbsCertList");
  return { issuer, nextUpdate, serials };
}

/** Extensions without any: not DER of RFC 5280, but what `@peculiar/x509` writes. */
const isEmpty = ({ bytes, at, end }: Cursor): boolean =>
  end - at === 2 && bytes[at] === TAG.SEQUENCE && bytes[at + 1] === 0;

function isSignedBy({ algorithm, signed, signature }: Crl, issuer: Certificate): boolean {
  try {
    return verify(algorithm.hash, signed, publicKeyOf(issuer), signature);
  } catch {
    return false;
  }
}
