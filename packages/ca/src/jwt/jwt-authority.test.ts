import { createPrivateKey, createPublicKey, type JsonWebKey } from "node:crypto";
import { workloadSpiffeId } from "@fairlead/model";
import { importPKCS8, SignJWT } from "jose";
import { expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { newPrivateKey } from "../keys/algorithm.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { webCryptoKeyManager } from "../keys/web-crypto.ts";
import type { TrustBundle } from "../trust/bundle.ts";
import { type JwtAuthority, jwtAuthority } from "./jwt-authority.ts";
import { verifyJwtSvid } from "./verify.ts";

const trustDomain = "cluster.local";
const identity = workloadSpiffeId(trustDomain, "default", "web");
const bundleOf = (authority: Pick<JwtAuthority, "jwtAuthorities" | "trustDomain">): TrustBundle => ({
  trustDomain: authority.trustDomain,
  x509Authorities: [],
  jwtAuthorities: authority.jwtAuthorities,
  sequence: 1,
  refreshHintSeconds: 300,
});
const verify = (token: string, bundle: TrustBundle, at: number, audience = "orders") =>
  verifyJwtSvid(token, { audience, at, bundle: (domain) => (domain === trustDomain ? bundle : undefined) });

test.each(["ec-p256", "ec-p384", "rsa-2048"] as const)("%s: minted and verified", async (keyType) => {
  const clock = fakeClock();
  await using authority = await jwtAuthority({ trustDomain, keys: memoryKeyManager(), keyType, clock, pollSeconds: 0 });
  const { token, expiresAt } = await authority.mint({ identity, audiences: ["orders", "bills", "orders"] });
  expect(expiresAt.getTime()).toBe(clock.now() + 300_000);
  const verified = await verify(token, bundleOf(authority), clock.now());
  expect(verified).toMatchObject({ id: { uri: identity.uri }, audiences: ["orders", "bills"], expiresAt });
  await expect(verify(token, bundleOf(authority), clock.now() + 331_000)).rejects.toThrow("SVID_INVALID");
  await expect(verify(token, bundleOf(authority), clock.now(), "others")).rejects.toThrow("aud");
});

test("a key that cannot be exported signs too", async () => {
  await using authority = await jwtAuthority({ trustDomain, keys: webCryptoKeyManager(), pollSeconds: 0 });
  for (let count = 0; count < 20; count++) {
    const { token } = await authority.mint({ identity, audiences: ["orders"] });
    expect((await verify(token, bundleOf(authority), Date.now())).id.uri).toBe(identity.uri);
  }
});

test("what is not granted", async () => {
  await using authority = await jwtAuthority({ trustDomain, keys: memoryKeyManager(), pollSeconds: 0 });
  const ask = (more: object) => authority.mint({ identity, audiences: ["a"], ...more });
  await expect(ask({ audiences: [] })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  await expect(ask({ audiences: [""] })).rejects.toMatchObject({ code: "OPTION_INVALID" });
  for (const ttlSeconds of [3601, Number.NaN, Number.POSITIVE_INFINITY])
    await expect(ask({ ttlSeconds })).rejects.toMatchObject({ code: "TTL_TOO_LONG" });
  const elsewhere = workloadSpiffeId("elsewhere", "default", "web");
  await expect(ask({ identity: elsewhere })).rejects.toMatchObject({ code: "SPIFFE_ID_INVALID" });
  await expect(ask({ identity: { ...identity, uri: `${identity.uri}/../x` } })).rejects.toThrow("SPIFFE_ID_INVALID");
  await expect(jwtAuthority({ trustDomain, keys: memoryKeyManager(), keyType: "ed25519" })).rejects.toThrow("ed25519");
});

test("keys change by themselves; a token is good for all its life, and a key is in the bundle long before it signs", async () => {
  const clock = fakeClock();
  const keys = memoryKeyManager();
  const hour = 3_600_000;
  await using authority = await jwtAuthority({
    ...{ trustDomain, keys, clock, keyTtlSeconds: 24 * 3600, maxTtlSeconds: 600, defaultTtlSeconds: 600 },
  });
  const first = authority.slots[0]?.id;
  let bundleBefore = bundleOf(authority);
  const signedBy = new Set<string>();
  for (let at = 0; at < 72; at++) {
    const { token } = await authority.mint({ identity, audiences: ["orders"] });
    signedBy.add(token.split(".")[0] ?? "");
    // A verifier whose bundle is an hour old, and one that is fresh when the token is about to end.
    await verify(token, bundleBefore, clock.now());
    bundleBefore = bundleOf(authority);
    await clock.advance(590_000);
    await verify(token, bundleOf(authority), clock.now());
    await clock.advance(hour - 590_000);
  }
  expect(signedBy.size).toBe(4);
  expect(authority.slots.map(({ id }) => id)).not.toContain(first);
  expect((await keys.listKeys()).length).toBe(authority.slots.length);
});

test("forced: prepare, activate, revoke; another process sees it; a revoked key's tokens are worth nothing", async () => {
  const clock = fakeClock();
  const keys = memoryKeyManager();
  const options = { trustDomain, keys, clock, keyTtlSeconds: 0 };
  await using authority = await jwtAuthority(options);
  await using replica = await jwtAuthority(options);
  const { token } = await replica.mint({ identity, audiences: ["orders"] });
  const [old] = authority.slots;
  await expect(authority.revoke(old?.id ?? "")).rejects.toMatchObject({ code: "ROTATION_REFUSED" });
  await expect(authority.activate("none")).rejects.toMatchObject({ code: "ROTATION_REFUSED" });
  const next = await authority.prepare();
  expect((await authority.prepare()).id).toBe(next.id);
  await authority.activate(next.id);
  await authority.revoke(old?.id ?? "");
  let changes = 0;
  replica.subscribe(() => changes++);
  await clock.advance(61_000);
  expect(changes).toBe(1);
  expect(replica.jwtAuthorities).toEqual(authority.jwtAuthorities);
  await expect(verify(token, bundleOf(replica), clock.now())).rejects.toThrow("no such key");
  expect(await keys.listKeys()).toEqual([next.keyId]);
});

test("rows 38 and 39: tokens that do not hold, none of which is in the message", async () => {
  const clock = fakeClock();
  const pem = String(newPrivateKey("ec-p256").export({ type: "pkcs8", format: "pem" }));
  const publicKey = createPublicKey(createPrivateKey(pem)).export({ format: "jwk" });
  const key = await importPKCS8(pem, "ES256");
  const bundle = bundleOf({ trustDomain: identity.trustDomain, jwtAuthorities: [{ keyId: "k", publicKey }] });
  const now = clock.now() / 1000;
  const good = { sub: identity.uri, aud: ["orders"], exp: now + 60 };
  const sign = (claims: object = {}, header: object = {}) =>
    new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg: "ES256", kid: "k", ...header }).sign(key);
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const [head, body, signature] = (await sign()).split(".");
  expect((await verify(await sign(), bundle, clock.now())).id.uri).toBe(identity.uri);
  const hmac = await new SignJWT(good)
    .setProtectedHeader({ alg: "HS256", kid: "k" })
    .sign(Buffer.from(JSON.stringify(publicKey as JsonWebKey).padEnd(32)));
  const bad: readonly [string, string, string][] = [
    ["alg none", `${part({ alg: "none", kid: "k" })}.${body}.`, "SVID_INVALID"],
    ["HS256 by the public key", hmac, "SVID_INVALID"],
    ["a key in the header", await sign({}, { jwk: publicKey }), "jwk"],
    ["another type", await sign({}, { typ: "at+jwt" }), "another type"],
    ["another key", await sign({}, { kid: "other" }), "no such key"],
    ["no kid", await sign({}, { kid: undefined }), "no kid"],
    ["no expiry", await sign({ exp: undefined }), "exp"],
    ["expired", await sign({ exp: now - 60 }), "exp"],
    ["not yet", await sign({ nbf: now + 600 }), "nbf"],
    ["no audience", await sign({ aud: undefined }), "aud"],
    ["another audience", await sign({ aud: ["bills"] }), "aud"],
    ["an audience that is a number", await sign({ aud: 5 as unknown as string }), "SVID_INVALID"],
    ["a subject that is none", await sign({ sub: "web" }), "subject"],
    ["a trust domain as subject", await sign({ sub: "spiffe://cluster.local" }), "subject"],
    ["a foreign trust domain", await sign({ sub: "spiffe://elsewhere/web" }), "not trusted"],
    ["changed claims", `${head}.${part({ ...good, sub: `${identity.uri}-2` })}.${signature}`, "SVID_INVALID"],
    ["two parts", `${head}.${body}`, "compact"],
    ["1 MB", `${head}.${"A".repeat(1_000_000)}.${signature}`, "compact"],
    ["a nested one", `${part({ alg: "ES256", kid: "k", cty: "JWT" })}.${body}.${signature}`, "cty"],
  ];
  for (const [what, token, why] of bad) {
    const error = await verify(token, bundle, clock.now()).then(
      () => undefined,
      (failure: Error) => failure,
    );
    expect(error, what).toMatchObject({ code: "SVID_INVALID" });
    expect(error?.message, what).toContain(why);
    expect(error?.message, what).not.toContain(token.slice(0, 30));
  }
});
