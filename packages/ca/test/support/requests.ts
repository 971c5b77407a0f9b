import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { workloadSpiffeId } from "@fairlead/model";
import { type AlternativeName, writeAlternativeNames } from "../../src/certificate/alternative-name.ts";
import { writeExtension } from "../../src/certificate/extension.ts";
import { type NameAttribute, writeName } from "../../src/certificate/name.ts";
import { bitString, der, oid, sequence, set } from "../../src/der/writer.ts";
import { encodePem } from "../../src/pem.ts";

export const identity = workloadSpiffeId("cluster.local", "default", "reviews");

export interface ExtensionSpec {
  readonly oid: string;
  readonly value: Uint8Array;
  readonly critical?: boolean;
}

export interface CsrSpec {
  readonly key?: KeyObject;
  readonly version?: Uint8Array;
  readonly subject?: readonly NameAttribute[];
  readonly rawSubject?: Uint8Array;
  readonly names?: readonly AlternativeName[];
  readonly extensions?: readonly ExtensionSpec[];
  /** Instead of the attributes made from names and extensions. */
  readonly attributes?: Uint8Array;
  readonly spki?: Uint8Array;
  /** AlgorithmIdentifier; default ecdsa-with-SHA256. */
  readonly algorithm?: Uint8Array;
  readonly hash?: string | null;
  readonly signature?: Uint8Array;
}

export const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
export const RSA_SHA256 = sequence(oid("1.2.840.113549.1.1.11"), Uint8Array.of(5, 0));
export const SAN = "2.5.29.17";

export const p256 = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const shared = p256();

export const spkiOf = (key: KeyObject): Buffer => createPublicKey(key).export({ type: "spki", format: "der" });

export function extensionRequest(extensions: readonly ExtensionSpec[]): Buffer {
  return sequence(
    oid("1.2.840.113549.1.9.14"),
    set(sequence(...extensions.map(({ oid: id, value, critical = false }) => writeExtension(id, critical, value)))),
  );
}

export const sanExtension = (names: readonly AlternativeName[]): ExtensionSpec => ({
  oid: SAN,
  value: writeAlternativeNames(names),
});

/** The DER of a request made to measure, good unless told otherwise. */
export function csrDer(spec: CsrSpec = {}): Buffer {
  const key = spec.key ?? shared;
  const extensions = [...(spec.names ? [sanExtension(spec.names)] : []), ...(spec.extensions ?? [])];
  const attributes = spec.attributes ?? der(0xa0, ...(extensions.length > 0 ? [extensionRequest(extensions)] : []));
  const info = sequence(
    spec.version ?? Uint8Array.of(2, 1, 0),
    spec.rawSubject ?? writeName(spec.subject ?? []),
    spec.spki ?? spkiOf(key),
    attributes,
  );
  const signature = spec.signature ?? sign(spec.hash === undefined ? "sha256" : spec.hash, info, key);
  return sequence(info, spec.algorithm ?? ECDSA_SHA256, bitString(signature));
}

export const csrPem = (spec: CsrSpec = {}): string => encodePem("CERTIFICATE REQUEST", csrDer(spec));
export const pemOf = (bytes: Uint8Array): string => encodePem("CERTIFICATE REQUEST", bytes);
