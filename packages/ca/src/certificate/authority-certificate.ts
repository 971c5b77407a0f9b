import "reflect-metadata"; // @peculiar/x509 needs it loaded first
import { createHash } from "node:crypto";
import { Crypto } from "@peculiar/webcrypto";
import * as x509 from "@peculiar/x509";
import { bitStringBytes, cursor, enter, next, TAG } from "../der/reader.ts";
import { der, sequence } from "../der/writer.ts";
import { signingAlgorithm } from "../keys/algorithm.ts";
import type { Signer } from "../keys/signer.ts";
import { encodePem } from "../pem.ts";
import { EXTENSION } from "./extension.ts";
import { signedCertificate } from "./leaf.ts";
import { type Certificate, readCertificate } from "./parse.ts";

const WEB_ALGORITHMS = {
  "ec-p256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "ec-p384": { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  "rsa-2048": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "rsa-3072": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "rsa-4096": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ed25519: { name: "Ed25519" },
} as const;

export interface AuthorityCertificateOptions {
  readonly trustDomain: string;
  /** Appended to the subject, so that the certificates of one trust domain are told apart. */
  readonly name: string;
  /** The key the certificate is for (SubjectPublicKeyInfo, DER). */
  readonly publicKey: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly serial: Uint8Array;
  /** How many authorities may follow below. Default 0 for an intermediate; none for a root. */
  readonly pathLength?: number;
  /** The only host of URI names below it, critical (RFC 5280, section 4.2.1.10); absent: any. */
  readonly permittedUriHost?: string;
  /** The issuer; absent for a self-signed certificate, which `signer` then signs with its own key. */
  readonly issuer?: Certificate;
  readonly signer: Signer;
}

/**
 * Makes the certificate of an authority: cA, keyCertSign and cRLSign, key identifiers, the trust domain as its URI name
 * (X509-SVID, section 4: a signing certificate's SPIFFE ID has no path). `@peculiar/x509` builds what is signed; the
 * signature comes from the {@link Signer}, so that the key may be anywhere.
 */
export async function createAuthorityCertificate(options: AuthorityCertificateOptions): Promise<Certificate> {
  const { trustDomain, name, publicKey, issuer, signer, serial } = options;
  const subject = subjectName(trustDomain, name);
  const keyId = subjectKeyId(publicKey);
  const algorithm = WEB_ALGORITHMS[signer.keyType];
  const usages = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  const draft = await x509.X509CertificateGenerator.create(
    {
      serialNumber: Buffer.from(serial).toString("hex"),
      subject,
      issuer: issuer === undefined ? subject : new x509.Name(Uint8Array.from(issuer.subject)),
      notBefore: new Date(Math.floor(options.notBefore / 1000) * 1000),
      notAfter: new Date(Math.floor(options.notAfter / 1000) * 1000),
      publicKey: Uint8Array.from(publicKey),
      signingAlgorithm: algorithm,
      signature: new Uint8Array(64).fill(1),
      extensions: [
        new x509.BasicConstraintsExtension(true, options.pathLength, true),
        new x509.KeyUsagesExtension(usages, true),
        new x509.SubjectKeyIdentifierExtension(keyId),
        new x509.AuthorityKeyIdentifierExtension(issuer?.subjectKeyId ?? keyId),
        new x509.SubjectAlternativeNameExtension([{ type: "url", value: `spiffe://${trustDomain}` }]),
        ...(options.permittedUriHost === undefined ? [] : [uriConstraint(options.permittedUriHost)]),
      ],
    },
    new Crypto(),
  );
  const tbs = readCertificate(new Uint8Array(draft.rawData)).tbs;
  const signature = await signer.sign(tbs);
  return readCertificate(signedCertificate(tbs, signingAlgorithm(signer.keyType).identifier, signature));
}

/** Key identifier of RFC 5280, section 4.2.1.2 (1): SHA-1 of the key's bits, hex. A name, not a protection. */
export function subjectKeyId(publicKey: Uint8Array): string {
  const info = enter(cursor(publicKey), TAG.SEQUENCE, "subjectPublicKeyInfo");
  next(info);
  return createHash("sha1").update(bitStringBytes(info, "public key")).digest("hex");
}

function uriConstraint(host: string): x509.Extension {
  const permitted = der(0xa0, sequence(der(0x86, Buffer.from(host, "latin1"))));
  return new x509.Extension(EXTENSION.nameConstraints, true, Uint8Array.from(sequence(permitted)));
}

function subjectName(trustDomain: string, name: string): x509.Name {
  const values = [{ O: [{ utf8String: trustDomain }] }, { CN: [{ utf8String: name.slice(0, 64) }] }];
  return new x509.Name(values);
}

/** A certificate as PEM. */
export function certificatePem(certificate: Certificate): string {
  return encodePem("CERTIFICATE", certificate.der);
}
