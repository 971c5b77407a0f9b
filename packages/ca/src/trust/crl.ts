import "reflect-metadata"; // @peculiar/x509 needs it loaded first
import { verify } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { type Certificate, publicKeyOf } from "../certificate/parse.ts";
import { readSignatureAlgorithm } from "../csr/signature.ts";
import { bitStringBytes, cursor, enter, expect, mustEnd, TAG, whole } from "../der/reader.ts";
import { CaError } from "../error.ts";
import { decodePemFile } from "../pem.ts";

/** Largest CRL file, bytes. */
const MAX_CRL_BYTES = 4 * 1024 * 1024;

/** Revocations that hold for a chain: whether a certificate is among them. */
export type Revocations = (certificate: Certificate) => boolean;

/**
 * Reads a PEM file of CRLs and checks it against the authorities that it must cover: one CRL for each of `authorities`
 * (Envoy refuses a chain that is covered in part), signed by it and not past its nextUpdate at `at` (ms).
 * Throws CRL_INVALID.
 */
export function readRevocations(pem: string, authorities: readonly Certificate[], at: number): Revocations {
  const fail = (why: string, cause?: unknown): never => {
    throw new CaError("CRL_INVALID", why, cause === undefined ? {} : { cause });
  };
  if (pem.length > MAX_CRL_BYTES) fail(`the CRL file has ${pem.length} bytes; at most ${MAX_CRL_BYTES} are read`);
  const blocks = decodePemFile(pem, "CRL_INVALID").filter(({ label }) => label === "X509 CRL");
  const revoked = new Map<string, ReadonlySet<string>>();
  for (const { bytes } of blocks) {
    let crl: x509.X509Crl;
    try {
      crl = new x509.X509Crl(bytes);
    } catch (cause) {
      return fail("a CRL does not parse", cause);
    }
    const issuer = authorities.find(({ der }) => new x509.X509Certificate(Buffer.from(der)).subject === crl.issuer);
    if (issuer === undefined) return fail(`a CRL is by ${crl.issuer}, which is none of the chain's authorities`);
    if (!isSignedBy(bytes, issuer)) fail(`the CRL of ${crl.issuer} is not signed by it`);
    if (crl.nextUpdate === undefined || crl.nextUpdate.getTime() <= at) fail(`the CRL of ${crl.issuer} has expired`);
    revoked.set(key(issuer.subject), new Set(crl.entries.map(({ serialNumber }) => normalSerial(serialNumber))));
  }
  for (const authority of authorities)
    if (!revoked.has(key(authority.subject)))
      fail(`there is no CRL of ${authority.subjectText}; each authority of the chain needs one`);
  return (certificate) => revoked.get(key(certificate.issuer))?.has(normalSerial(certificate.serial)) ?? false;
}

/** Whether the CRL (RFC 5280, section 5.1) is signed with the issuer's key, over the very bytes that were read. */
function isSignedBy(crl: Uint8Array, issuer: Certificate): boolean {
  try {
    const outer = cursor(crl);
    const list = enter(outer, TAG.SEQUENCE, "CRL");
    const signed = whole(list, expect(list, TAG.SEQUENCE, "tbsCertList"));
    const { hash } = readSignatureAlgorithm(list);
    const signature = bitStringBytes(list, "signature");
    mustEnd(list, "CRL");
    mustEnd(outer, "CRL");
    return verify(hash, signed, publicKeyOf(issuer), signature);
  } catch {
    return false;
  }
}

const key = (name: Uint8Array): string => Buffer.from(name).toString("hex");
const normalSerial = (hex: string): string => hex.toLowerCase().replace(/^0+/, "");
