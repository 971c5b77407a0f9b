// Longer than a concept, because it is a table: one row for each bad input that a request can be.
import { generateKeyPairSync, sign } from "node:crypto";
import { writeName } from "../../src/certificate/name.ts";
import { bitString, der, headerSize, oid, sequence, unsignedInteger, writeHeader } from "../../src/der/writer.ts";
import type { CaErrorCode } from "../../src/error.ts";
import { encodePem } from "../../src/pem.ts";
import {
  type CsrSpec,
  csrDer,
  csrPem,
  ECDSA_SHA256,
  extensionRequest,
  identity,
  p256,
  pemOf,
  RSA_SHA256,
  SAN,
  sanExtension,
  spkiOf,
} from "./requests.ts";

/** The key of this row is on the deny list of who is asked. */
export const deniedKey = p256();
const good = csrDer();

export const nested = (depth: number): Buffer => {
  const headers: Buffer[] = [];
  let length = 2;
  for (let level = 0; level < depth; level++) {
    const header = Buffer.alloc(headerSize(length));
    writeHeader(header, 0, 0x30, length);
    headers.push(header);
    length += header.length;
  }
  return Buffer.concat([...headers.reverse(), Buffer.from([0x05, 0x00])]);
};
const indefinite = Buffer.concat([Buffer.from([0x30, 0x80]), good.subarray(4), Buffer.from([0, 0])]);
const longForm = Buffer.concat([Buffer.from([0x30, 0x83, 0x00]), good.subarray(2)]);
const withLength = (length: number[]) => Buffer.concat([Buffer.from([0x30, ...length]), good.subarray(4)]);

const N = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
const one = Buffer.from([1]);
const ecdsa = (r: Uint8Array, s: Uint8Array) => sequence(unsignedInteger(r), unsignedInteger(s));
export const rsa = (bits: number, e = 65537) =>
  generateKeyPairSync("rsa", { modulusLength: bits, publicExponent: e }).privateKey;
export const rsaCsr = (key: ReturnType<typeof rsa>, spec: CsrSpec = {}) =>
  csrPem({ key, algorithm: RSA_SHA256, ...spec });
const rsaSpki = (modulus: Uint8Array, exponent: Uint8Array) =>
  sequence(
    sequence(oid("1.2.840.113549.1.1.1"), Uint8Array.of(5, 0)),
    bitString(sequence(der(2, modulus), der(2, exponent))),
  );
const ecSpki = (parameters: Uint8Array, point: Uint8Array) =>
  sequence(sequence(oid("1.2.840.10045.2.1"), parameters), bitString(point));
const P256 = oid("1.2.840.10045.3.1.7");
export const curve = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;
const modulus = Buffer.concat([Buffer.from([0, 0xc1]), Buffer.alloc(255, 0x55)]);
const uri = (value: string) => ({ type: "uri", value }) as const;
const own = uri(identity.uri);

/** Row of the table, what, the code it is refused with, and the PEM, which may depend on the SubjectPublicKeyInfo of who is asked. */
export const BAD_REQUESTS: readonly (readonly [
  row: number,
  what: string,
  code: CaErrorCode,
  csr: (authorityKey: Uint8Array) => string,
])[] = [
  [1, "empty", "CSR_MALFORMED", () => ""],
  [1, "white space", "CSR_MALFORMED", () => " \n"],
  [2, "not PEM", "CSR_MALFORMED", () => "hello"],
  [2, "a CERTIFICATE block", "CSR_MALFORMED", () => encodePem("CERTIFICATE", good)],
  [2, "a PRIVATE KEY block", "CSR_MALFORMED", () => encodePem("PRIVATE KEY", good)],
  [3, "two blocks", "CSR_MALFORMED", () => csrPem() + csrPem()],
  [3, "text after the end", "CSR_MALFORMED", () => `${csrPem()}more`],
  [3, "text before the begin", "CSR_MALFORMED", () => `more\n${csrPem()}`],
  [3, "no end line", "CSR_MALFORMED", () => csrPem().slice(0, -30)],
  [4, "characters that are not base64", "CSR_MALFORMED", () => csrPem().replace("A", "*")],
  [4, "base64url characters", "CSR_MALFORMED", () => csrPem().replace(/[+/A]/, "-")],
  [4, "63 bytes of garbage", "CSR_MALFORMED", () => pemOf(Buffer.alloc(63, 0xab))],
  [
    4,
    "an empty body",
    "CSR_MALFORMED",
    () => "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
  ],
  [6, "a trailing byte", "CSR_MALFORMED", () => pemOf(Buffer.concat([good, Buffer.from([0])]))],
  [7, "an indefinite length", "CSR_MALFORMED", () => pemOf(indefinite)],
  [8, "a length that is not minimal", "CSR_MALFORMED", () => pemOf(longForm)],
  [8, "a length beyond the input", "CSR_MALFORMED", () => pemOf(withLength([0x82, 0xff, 0xff]))],
  [8, "a length of four bytes", "CSR_MALFORMED", () => pemOf(withLength([0x84, 0xff, 0xff, 0xff, 0xff]))],
  [9, "3,000 nested sequences", "CSR_MALFORMED", () => pemOf(nested(3000))],
  [9, "60,000 nested sequences", "CSR_TOO_LARGE", () => pemOf(nested(60_000))],
  [10, "an OID of 250 kB", "CSR_TOO_LARGE", () => pemOf(sequence(der(6, Buffer.alloc(250_000, 0x81))))],
  [10, "6 MB of 0x30", "CSR_TOO_LARGE", () => pemOf(Buffer.alloc(6_000_000, 0x30))],
  [11, "101 names", "CSR_TOO_LARGE", () => csrPem({ names: Array.from({ length: 101 }, (_, at) => uri(`a:${at}`)) })],
  [11, "100,000 names", "CSR_TOO_LARGE", () => csrPem({ names: new Array(100_000).fill(uri("a")) })],
  [
    11,
    "33 attributes",
    "CSR_TOO_LARGE",
    () => csrPem({ attributes: der(0xa0, ...new Array(33).fill(sequence(oid("1.2.3"), der(0x31, der(5))))) }),
  ],
  [12, "version 1", "CSR_MALFORMED", () => csrPem({ version: Uint8Array.of(2, 1, 1) })],
  [12, "no attributes", "CSR_MALFORMED", () => csrPem({ attributes: new Uint8Array() })],
  [13, "a flipped bit in the signature", "CSR_BAD_SIGNATURE", () => flipped(good, good.length - 1)],
  [14, "signed by another key", "CSR_BAD_SIGNATURE", () => csrPem({ spki: spkiOf(p256()) })],
  [15, "changed after signing", "CSR_BAD_SIGNATURE", () => changedAfterSigning()],
  [16, "a signature of zeros", "CSR_BAD_SIGNATURE", () => csrPem({ signature: Buffer.alloc(70) })],
  [16, "r = 0", "CSR_BAD_SIGNATURE", () => csrPem({ signature: ecdsa(Buffer.from([0]), one) })],
  [16, "s = 0", "CSR_BAD_SIGNATURE", () => csrPem({ signature: ecdsa(one, Buffer.from([0])) })],
  [16, "r = n", "CSR_BAD_SIGNATURE", () => csrPem({ signature: ecdsa(N, one) })],
  [
    16,
    "leading zeros",
    "CSR_BAD_SIGNATURE",
    () => csrPem({ signature: sequence(der(2, Buffer.from([0, 1])), der(2, one)) }),
  ],
  [
    16,
    "negative r",
    "CSR_BAD_SIGNATURE",
    () => csrPem({ signature: sequence(der(2, Buffer.from([0x80])), der(2, one)) }),
  ],
  [
    16,
    "bytes after s",
    "CSR_BAD_SIGNATURE",
    () => csrPem({ signature: sequence(der(2, one), der(2, one), der(2, one)) }),
  ],
  [17, "ecdsa-with-SHA1", "CSR_UNSUPPORTED_ALG", () => csrPem({ algorithm: sequence(oid("1.2.840.10045.4.1")) })],
  [17, "sha1WithRSA", "CSR_UNSUPPORTED_ALG", () => rsaCsr(rsa(2048), { algorithm: rsaAlgorithm(5), hash: "sha1" })],
  [17, "md5WithRSA", "CSR_UNSUPPORTED_ALG", () => rsaCsr(rsa(2048), { algorithm: rsaAlgorithm(4), hash: "md5" })],
  [18, "an RSA signature by an EC key", "CSR_UNSUPPORTED_ALG", () => csrPem({ algorithm: RSA_SHA256 })],
  [18, "an EC signature by an RSA key", "CSR_UNSUPPORTED_ALG", () => rsaCsr(rsa(2048), { algorithm: ECDSA_SHA256 })],
  [
    18,
    "EC algorithm with parameters",
    "CSR_UNSUPPORTED_ALG",
    () => csrPem({ algorithm: sequence(oid("1.2.840.10045.4.3.2"), Uint8Array.of(5, 0)) }),
  ],
  [19, "RSA 1024", "CSR_WEAK_KEY", () => rsaCsr(rsa(1024))],
  [19, "RSA 512", "CSR_WEAK_KEY", () => rsaCsr(rsa(512))],
  [
    19,
    "RSA 2047",
    "CSR_WEAK_KEY",
    () =>
      csrPem({
        algorithm: RSA_SHA256,
        spki: rsaSpki(Buffer.concat([Buffer.from([0x41]), Buffer.alloc(255, 0x55)]), Buffer.from([1, 0, 1])),
      }),
  ],
  [
    19,
    "RSA 16384",
    "CSR_WEAK_KEY",
    () =>
      csrPem({
        algorithm: RSA_SHA256,
        spki: rsaSpki(Buffer.concat([Buffer.from([0, 0xc1]), Buffer.alloc(2047, 0x55)]), Buffer.from([1, 0, 1])),
      }),
  ],
  [19, "e = 1", "CSR_WEAK_KEY", () => csrPem({ algorithm: RSA_SHA256, spki: rsaSpki(modulus, one) })],
  [19, "e = 3", "CSR_WEAK_KEY", () => csrPem({ algorithm: RSA_SHA256, spki: rsaSpki(modulus, Buffer.from([3])) })],
  [
    19,
    "even e",
    "CSR_WEAK_KEY",
    () => csrPem({ algorithm: RSA_SHA256, spki: rsaSpki(modulus, Buffer.from([1, 0, 2])) }),
  ],
  [
    19,
    "negative n",
    "CSR_WEAK_KEY",
    () => csrPem({ algorithm: RSA_SHA256, spki: rsaSpki(modulus.subarray(1), Buffer.from([1, 0, 1])) }),
  ],
  [
    19,
    "even n",
    "CSR_WEAK_KEY",
    () =>
      csrPem({
        algorithm: RSA_SHA256,
        spki: rsaSpki(Buffer.concat([modulus.subarray(0, -1), Buffer.from([2])]), Buffer.from([1, 0, 1])),
      }),
  ],
  [
    20,
    "DSA",
    "CSR_UNSUPPORTED_KEY",
    () => csrPem({ spki: spkiOf(generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }).privateKey) }),
  ],
  [20, "secp256k1", "CSR_UNSUPPORTED_KEY", () => csrPem({ key: curve("secp256k1") })],
  [20, "P-224", "CSR_UNSUPPORTED_KEY", () => csrPem({ key: curve("secp224r1") })],
  [20, "P-521", "CSR_UNSUPPORTED_KEY", () => csrPem({ key: curve("secp521r1") })],
  [20, "brainpool", "CSR_UNSUPPORTED_KEY", () => csrPem({ key: curve("brainpoolP256r1") })],
  [20, "X25519", "CSR_UNSUPPORTED_KEY", () => csrPem({ spki: spkiOf(generateKeyPairSync("x25519").privateKey) })],
  [20, "Ed448", "CSR_UNSUPPORTED_KEY", () => csrPem({ spki: spkiOf(generateKeyPairSync("ed448").privateKey) })],
  [
    20,
    "Ed25519, which the policy does not name",
    "CSR_UNSUPPORTED_KEY",
    () =>
      csrPem({ key: generateKeyPairSync("ed25519").privateKey, algorithm: sequence(oid("1.3.101.112")), hash: null }),
  ],
  [
    21,
    "a point off the curve",
    "CSR_INVALID_KEY",
    () => csrPem({ spki: ecSpki(P256, Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 7)])) }),
  ],
  [21, "the point at infinity", "CSR_INVALID_KEY", () => csrPem({ spki: ecSpki(P256, Buffer.from([0])) })],
  [
    21,
    "a compressed point",
    "CSR_INVALID_KEY",
    () => csrPem({ spki: ecSpki(P256, Buffer.concat([Buffer.from([2]), spkiOf(p256()).subarray(27, 59)])) }),
  ],
  [
    21,
    "explicit curve parameters",
    "CSR_INVALID_KEY",
    () => csrPem({ spki: ecSpki(sequence(Uint8Array.of(2, 1, 1)), Buffer.alloc(65, 4)) }),
  ],
  [22, "the authority's own key, unproved", "CSR_BAD_SIGNATURE", (authorityKey) => csrPem({ spki: authorityKey })],
  [23, "a key on the deny list", "CSR_DENIED_KEY", () => csrPem({ key: deniedKey })],
  [
    24,
    "another workload's name",
    "CSR_SAN_MISMATCH",
    () => csrPem({ names: [uri("spiffe://cluster.local/ns/default/sa/admin")] }),
  ],
  [
    25,
    "two names, one its own",
    "CSR_SAN_MISMATCH",
    () => csrPem({ names: [own, uri("spiffe://cluster.local/ns/a/sa/b")] }),
  ],
  [25, "its own name twice", "CSR_SAN_MISMATCH", () => csrPem({ names: [own, own] })],
  [26, "a DNS name", "CSR_SAN_MISMATCH", () => csrPem({ names: [own, { type: "dns", value: "evil.com" }] })],
  [26, "a wildcard", "CSR_SAN_MISMATCH", () => csrPem({ names: [{ type: "dns", value: "*" }] })],
  [
    26,
    "a DNS name with NUL",
    "CSR_SAN_MISMATCH",
    () => csrPem({ names: [{ type: "dns", value: "good.com\0.evil.com" }] }),
  ],
  [26, "an IP address", "CSR_SAN_MISMATCH", () => csrPem({ names: [{ type: "ip", value: "10.0.0.1" }] })],
  [
    26,
    "an e-mail address",
    "CSR_SAN_MISMATCH",
    () => csrPem({ extensions: [{ oid: SAN, value: sequence(der(0x81, Buffer.from("a@b.c"))) }] }),
  ],
  [
    26,
    "an otherName",
    "CSR_SAN_MISMATCH",
    () => csrPem({ extensions: [{ oid: SAN, value: sequence(der(0xa0, oid("1.2.3"), der(0xa0, der(12)))) }] }),
  ],
  [26, "an empty list of names", "CSR_MALFORMED", () => csrPem({ extensions: [{ oid: SAN, value: sequence() }] })],
  [
    27,
    "cA TRUE",
    "CSR_FORBIDDEN_EXTENSION",
    () => csrPem({ extensions: [{ oid: "2.5.29.19", value: sequence(der(1, Uint8Array.of(0xff))) }] }),
  ],
  [
    28,
    "keyCertSign",
    "CSR_FORBIDDEN_EXTENSION",
    () => csrPem({ extensions: [{ oid: "2.5.29.15", value: bitString(Uint8Array.of(4), 2) }] }),
  ],
  [
    28,
    "anyExtendedKeyUsage",
    "CSR_FORBIDDEN_EXTENSION",
    () => csrPem({ extensions: [{ oid: "2.5.29.37", value: sequence(oid("2.5.29.37.0")) }] }),
  ],
  [
    28,
    "codeSigning",
    "CSR_FORBIDDEN_EXTENSION",
    () => csrPem({ extensions: [{ oid: "2.5.29.37", value: sequence(oid("1.3.6.1.5.5.7.3.3")) }] }),
  ],
  [
    28,
    "an empty list of key usages",
    "CSR_MALFORMED",
    () => csrPem({ extensions: [{ oid: "2.5.29.37", value: sequence() }] }),
  ],
  [
    29,
    "nameConstraints",
    "CSR_FORBIDDEN_EXTENSION",
    () => csrPem({ extensions: [{ oid: "2.5.29.30", value: sequence() }] }),
  ],
  [
    29,
    "authorityKeyIdentifier",
    "CSR_FORBIDDEN_EXTENSION",
    () => csrPem({ extensions: [{ oid: "2.5.29.35", value: sequence() }] }),
  ],
  [
    29,
    "an unknown critical extension",
    "CSR_FORBIDDEN_EXTENSION",
    () => csrPem({ extensions: [{ oid: "1.2.3.4", value: der(5), critical: true }] }),
  ],
  [
    29,
    "an extension twice",
    "CSR_FORBIDDEN_EXTENSION",
    () => csrPem({ extensions: [sanExtension([own]), sanExtension([own])] }),
  ],
  [
    29,
    "two extension requests",
    "CSR_FORBIDDEN_EXTENSION",
    () =>
      csrPem({
        attributes: der(0xa0, extensionRequest([sanExtension([own])]), extensionRequest([sanExtension([own])])),
      }),
  ],
  [
    29,
    "a challenge password",
    "CSR_FORBIDDEN_EXTENSION",
    () =>
      csrPem({ attributes: der(0xa0, sequence(oid("1.2.840.113549.1.9.7"), der(0x31, der(12, Buffer.from("x"))))) }),
  ],
  [30, "CN=admin", "CSR_FORBIDDEN_SUBJECT", () => csrPem({ subject: [{ type: "2.5.4.3", value: "admin" }] })],
  [
    30,
    "a CN of 65 characters",
    "CSR_FORBIDDEN_SUBJECT",
    () => csrPem({ subject: [{ type: "2.5.4.3", value: "a".repeat(65) }] }),
  ],
  [
    30,
    "a CN with NUL and comma",
    "CSR_FORBIDDEN_SUBJECT",
    () => csrPem({ subject: [{ type: "2.5.4.3", value: "a\0,b" }] }),
  ],
  [
    30,
    "1,000 names in the subject",
    "CSR_FORBIDDEN_SUBJECT",
    () =>
      csrPem({
        subject: new Array(1000).fill({ type: "2.5.4.10", value: "" }).with(999, { type: "2.5.4.10", value: "x" }),
      }),
  ],
  [30, "an empty relative name", "CSR_MALFORMED", () => csrPem({ rawSubject: sequence(der(0x31)) })],
];

function rsaAlgorithm(arc: number): Uint8Array {
  return sequence(oid(`1.2.840.113549.1.1.${arc}`), Uint8Array.of(5, 0));
}

function flipped(bytes: Buffer, at: number): string {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return pemOf(copy);
}

function changedAfterSigning(): string {
  const key = p256();
  const info = sequence(Uint8Array.of(2, 1, 0), writeName([]), spkiOf(key), der(0xa0));
  return csrPem({ key, names: [own], signature: sign("sha256", info, key) });
}
