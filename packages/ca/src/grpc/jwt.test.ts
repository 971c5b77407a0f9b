import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { type CryptoKey, exportJWK, type JWTHeaderParameters, SignJWT } from "jose";
import { beforeAll, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import type { Authenticator } from "./authenticator.ts";
import { jwt, serviceAccountIdentity } from "./jwt.ts";

const clock = fakeClock();
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const now = Math.floor(clock.now() / 1000);
const claims = {
  iss: "https://issuer",
  aud: ["istio-ca"],
  sub: "system:serviceaccount:default:reviews",
  exp: now + 600,
};
let authenticator: Authenticator;

beforeAll(async () => {
  const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };
  const rsa = { ...(await exportJWK(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey)), kid: "rsa" };
  authenticator = jwt({
    keys: { keys: [jwk, rsa] },
    issuer: "https://issuer",
    audiences: ["istio-ca"],
    trustDomain: "cluster.local",
    clock,
  });
});

const ask = async (token: string) =>
  authenticator.authenticate({ peer: "", certificate: undefined, metadata: () => [`Bearer ${token}`] });
const sign = (
  change: object = {},
  header: Partial<JWTHeaderParameters> = {},
  key: KeyObject | CryptoKey = privateKey,
) => new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg: "ES256", kid: "one", ...header }).sign(key);
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("a good token is its service account", async () => {
  expect(await ask(await sign())).toMatchObject({ identity: { uri: "spiffe://cluster.local/ns/default/sa/reviews" } });
  expect(await ask(await sign({ aud: "istio-ca" }))).toBeDefined();
});

test.each<[number, string, () => Promise<string> | string]>([
  [38, "alg none", () => `${part({ alg: "none" })}.${part(claims)}.`],
  [38, "HS256 with the public key", () => hmac()],
  [38, "a jku header", () => sign({}, { jku: "http://x" })],
  [38, "an x5u header", () => sign({}, { x5u: "http://x" })],
  [38, "a jwk header", async () => sign({}, { jwk: await exportJWK(publicKey) })],
  [38, "an unknown kid", () => sign({}, { kid: "../../etc/passwd" })],
  [38, "another type", () => sign({}, { typ: "logout+jwt" })],
  [38, "another key", () => sign({}, {}, generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey)],
  [39, "expired", () => sign({ exp: now - 60 })],
  [39, "not valid yet", () => sign({ nbf: now + 3600 })],
  [39, "no exp", () => sign({ exp: undefined })],
  [39, "no aud", () => sign({ aud: undefined })],
  [39, "an audience that is not ours", () => sign({ aud: ["a", "b", "istio-ca2"] })],
  [39, "an audience that is a number", () => sign({ aud: 7 })],
  [39, "another issuer", () => sign({ iss: "https://issuer/" })],
  [40, "no sub", () => sign({ sub: undefined })],
  ...[
    "system:serviceaccount",
    "system:serviceaccount:ns",
    "system:serviceaccount:ns:sa:extra",
    "system:serviceaccountX:a:b",
    "",
    ":::",
    "system:serviceaccount::sa",
    "system:serviceaccount:ns:",
  ].map((sub) => [40, `sub ${JSON.stringify(sub)}`, () => sign({ sub })] as [number, string, () => Promise<string>]),
])("row %i: %s is refused", async (_row, _what, token) => {
  await expect(ask(await token())).rejects.toThrow();
});

function hmac(): string {
  const signed = `${part({ alg: "HS256", kid: "one" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", publicKey.export({ type: "spki", format: "pem" }))
    .update(signed)
    .digest("base64url")}`;
}

test("what is no JWT is left to the others", async () => {
  expect(await ask("opaque")).toBeUndefined();
  expect(() => jwt({ keys: { keys: [] }, issuer: "a", audiences: [], trustDomain: "a" })).toThrow("OPTION_INVALID");
  expect(() => serviceAccountIdentity("cluster.local", "system:serviceaccount:a/b:c")).toThrow();
});
