import { generateKeyPairSync } from "node:crypto";
import { parseTrustDomain } from "@fairlead/model";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { type Issuing, makeAuthority, makeLeaf } from "../../test/support/authorities.ts";
import type { TrustBundle } from "./bundle.ts";
import { marshalSpiffeBundle, parseSpiffeBundle } from "./spiffe-bundle.ts";
import { parseJson } from "./strict-json.ts";

const trustDomain = parseTrustDomain("cluster.local");
let roots: readonly Issuing[];
let foreign: Issuing;
let bundle: TrustBundle;
beforeAll(async () => {
  roots = [await makeAuthority("one"), await makeAuthority("two")];
  foreign = await makeAuthority("foreign", undefined, { trustDomain: "other" });
  bundle = { trustDomain, x509Authorities: roots.map(({ pem }) => pem), sequence: 7, refreshHintSeconds: 60 };
});
const x5c = (der: Uint8Array) => [Buffer.from(der).toString("base64")];
const key = (change: object = {}) => ({
  kty: "EC",
  use: "x509-svid",
  x5c: x5c(roots[0]?.certificate.der ?? new Uint8Array()),
  ...change,
});
const read = (value: unknown, previous?: TrustBundle) =>
  parseSpiffeBundle(trustDomain, typeof value === "string" ? value : JSON.stringify(value), previous);

test("what is written is read again", () => {
  const text = marshalSpiffeBundle(bundle);
  expect(parseSpiffeBundle(trustDomain, text)).toEqual(bundle);
  expect(JSON.parse(text).keys[0]).toMatchObject({ kty: "EC", crv: "P-256", use: "x509-svid" });
  expect(JSON.parse(text).keys[0].kid).toBeUndefined();
});

test("unknown kinds, uses and fields, and keys without certificate are left out", () => {
  const odd = [
    key({ use: "jwt-svid", kid: "a", kty: "XX" }),
    key({ use: "new-svid" }),
    key({ x5c: [] }),
    key({ x5c: undefined }),
    key({ kty: "XX", more: 1 }),
  ];
  expect(read({ keys: odd, more: {} })).toMatchObject({
    x509Authorities: [roots[0]?.pem],
    sequence: 0,
    refreshHintSeconds: 300,
  });
});

const jwtKey = {
  ...generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" }),
  use: "jwt-svid",
  kid: "one",
};

test("keys of JWT-SVIDs come through, without what is not theirs; kinds that are not known are left out", () => {
  const { use, kid, ...publicKey } = jwtKey;
  const jwtAuthorities = [{ keyId: kid, publicKey }];
  expect(parseSpiffeBundle(trustDomain, marshalSpiffeBundle({ ...bundle, jwtAuthorities }))).toEqual({
    ...bundle,
    jwtAuthorities,
  });
  const odd = [
    { ...jwtKey, d: "AAAA", extra: 1 },
    { use, kid: "two", kty: "OKP", crv: "Ed25519", x: "AA" },
  ];
  expect(read({ keys: odd }).jwtAuthorities).toEqual(jwtAuthorities);
});

test.each<[string, string, () => unknown]>([
  ["text that is no JSON", "not JSON", () => "{"],
  ["a list", "not an object", () => []],
  ["no keys", "no keys", () => ({})],
  ["the same key twice", "twice", () => `{"keys":[${JSON.stringify(key())}],"keys":[]}`],
  ["the same key twice, once escaped", "twice", () => `{"keys":[${JSON.stringify(key())}],"\\u006beys":[]}`],
  [
    "the same key twice, far from its colon",
    "twice",
    () => `{"keys":[${JSON.stringify(key())}],"keys"${" ".repeat(100)}:[]}`,
  ],
  ["the same key twice, deeper", "twice", () => `{"keys":[{"use":"x509-svid","use":"jwt-svid"}]}`],
  ["a missing use", "no use", () => ({ keys: [key({ use: undefined })] })],
  [
    "two certificates",
    "must be one",
    () => ({ keys: [key({ x5c: roots.flatMap(({ certificate }) => x5c(certificate.der)) })] }),
  ],
  ["a certificate that is none", "BUNDLE_INVALID", () => ({ keys: [key({ x5c: ["AAAA"] })] })],
  ["base64 that is none", "base64", () => ({ keys: [key({ x5c: ["*"] })] })],
  ["a leaf", "not the certificate of an authority", () => ({ keys: [key({ x5c: x5c(makeLeaf(foreign).der) })] })],
  ["another trust domain's root", "spiffe://other", () => ({ keys: [key({ x5c: x5c(foreign.certificate.der) })] })],
  ["no root at all", "no root", () => ({ keys: [] })],
  ["a JWT key without kid", "without kid", () => ({ keys: [{ ...jwtKey, kid: undefined }] })],
  ["a JWT key that is none", "not a public key", () => ({ keys: [{ ...jwtKey, x: "AA" }] })],
  ["two JWT keys of one kid", "the kid of another", () => ({ keys: [jwtKey, jwtKey] })],
  ["a sequence that is a text", "spiffe_sequence", () => ({ keys: [key()], spiffe_sequence: "7" })],
  ["a hint below zero", "spiffe_refresh_hint", () => ({ keys: [key()], spiffe_refresh_hint: -1 })],
  ["more than is read", "characters", () => " ".repeat(5_000_000)],
])("row 53: %s", (_what, why, value) => {
  expect(() => read(value())).toThrow(why);
  expect(() => read(value())).toThrow("BUNDLE_INVALID");
});

test("row 53: a sequence that goes back", () => {
  expect(() => read({ keys: [key()], spiffe_sequence: 6 }, bundle)).toThrow("before 7");
  expect(read({ keys: [key()], spiffe_sequence: 7 }, bundle).sequence).toBe(7);
});

test("any JSON value is read as JSON.parse reads it", () => {
  const fail = (why: string): never => {
    throw new Error(why);
  };
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseJson(text, fail)).toEqual(JSON.parse(text));
    }),
  );
});
