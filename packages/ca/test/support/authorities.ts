import { generateKeyPairSync, type KeyObject } from "node:crypto";
import type { AlternativeName } from "../../src/certificate/alternative-name.ts";
import {
  type AuthorityCertificateOptions,
  certificatePem,
  createAuthorityCertificate,
} from "../../src/certificate/authority-certificate.ts";
import { writeExtension } from "../../src/certificate/extension.ts";
import { alternativeNameExtension, authorityKeyIdExtension, signedCertificate } from "../../src/certificate/leaf.ts";
import { writeName } from "../../src/certificate/name.ts";
import { type Certificate, readCertificate } from "../../src/certificate/parse.ts";
import { bitString, der, oid, sequence, time } from "../../src/der/writer.ts";
import { signingAlgorithm } from "../../src/keys/algorithm.ts";
import { localSigner, type Signer } from "../../src/keys/signer.ts";
import { spkiOf } from "./requests.ts";

export const DAY = 86_400_000;

export interface Issuing {
  readonly certificate: Certificate;
  readonly pem: string;
  readonly signer: Signer & { signSync(bytes: Uint8Array): Uint8Array };
  readonly key: KeyObject;
  readonly keyPem: string;
}

let serial = 1;

/** An authority made to measure: a root, or below `issuer`. */
export async function makeAuthority(
  name: string,
  issuer?: Issuing,
  options: Partial<AuthorityCertificateOptions> = {},
): Promise<Issuing> {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const signer = localSigner(name, key);
  const certificate = await createAuthorityCertificate({
    trustDomain: "cluster.local",
    name,
    publicKey: signer.publicKey,
    notBefore: Date.now() - DAY,
    notAfter: Date.now() + 100 * DAY,
    serial: Uint8Array.of(1, serial++),
    signer: issuer?.signer ?? signer,
    ...(issuer ? { issuer: issuer.certificate } : {}),
    ...options,
  });
  return {
    certificate,
    pem: certificatePem(certificate),
    signer,
    key,
    keyPem: String(key.export({ type: "pkcs8", format: "pem" })),
  };
}

export interface LeafSpec {
  readonly names?: readonly AlternativeName[];
  readonly keyUsage?: Uint8Array | undefined;
  readonly extendedKeyUsage?: readonly string[] | undefined;
  readonly basicConstraints?: Uint8Array;
  readonly extra?: readonly Uint8Array[];
  readonly notBefore?: number;
  readonly notAfter?: number;
}

/** A leaf made to measure, signed by `issuer`, that need not keep any rule. */
export function makeLeaf(issuer: Issuing, spec: LeafSpec = {}): Certificate {
  const { names = [{ type: "uri", value: "spiffe://cluster.local/ns/default/sa/reviews" }] } = spec;
  const usage = "keyUsage" in spec ? spec.keyUsage : Uint8Array.of(0xa0);
  const extended = "extendedKeyUsage" in spec ? spec.extendedKeyUsage : ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];
  const { identifier } = signingAlgorithm(issuer.signer.keyType);
  const tbs = sequence(
    Uint8Array.of(0xa0, 3, 2, 1, 2),
    der(2, Uint8Array.of(1, serial++ & 0x7f)),
    identifier,
    issuer.certificate.subject,
    sequence(time(spec.notBefore ?? Date.now() - DAY), time(spec.notAfter ?? Date.now() + DAY)),
    writeName([]),
    spkiOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey),
    der(
      0xa3,
      sequence(
        ...(usage ? [writeExtension("2.5.29.15", true, bitString(usage, 0))] : []),
        ...(extended ? [writeExtension("2.5.29.37", false, sequence(...extended.map(oid)))] : []),
        writeExtension("2.5.29.19", true, spec.basicConstraints ?? sequence()),
        authorityKeyIdExtension(issuer.certificate.subjectKeyId),
        ...(names.length > 0 ? [alternativeNameExtension(names)] : []),
        ...(spec.extra ?? []),
      ),
    ),
  );
  return readCertificate(signedCertificate(tbs, identifier, issuer.signer.signSync(tbs)));
}
