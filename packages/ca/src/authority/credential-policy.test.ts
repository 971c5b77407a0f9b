import { generateKeyPairSync } from "node:crypto";
import { workloadSpiffeId } from "@fairlead/model";
import { expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { createCsr } from "../csr/create.ts";
import { newPrivateKey } from "../keys/algorithm.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { type CredentialRule, credentialPolicy } from "./credential-policy.ts";
import type { IssueRequest } from "./issue.ts";
import { selfSignedAuthority } from "./self-signed.ts";

const trustDomain = "cluster.local";
const RULES: readonly CredentialRule[] = [
  { identity: "spiffe://cluster.local/ns/prod/sa/retired", deny: true },
  { identity: "spiffe://cluster.local/ns/prod/*", maxTtlSeconds: 3600, keys: ["ec-p256"], furtherNames: "none" },
  { identity: "spiffe://cluster.local/ns/legacy/*", minRsaBits: 3072 },
];

async function issue(
  namespace: string,
  account: string,
  more: Partial<IssueRequest> = {},
  key = newPrivateKey("ec-p256"),
) {
  const clock = fakeClock();
  await using authority = await selfSignedAuthority({
    ...{ trustDomain, keys: memoryKeyManager(), pollSeconds: 0, clock },
    policies: [credentialPolicy(RULES, { clock, otherwise: "deny" })],
  });
  const identity = workloadSpiffeId(trustDomain, namespace, account);
  const { notAfter } = await authority.issue({ csr: createCsr({ key, identity }), identity, ...more });
  return (notAfter.getTime() - clock.now()) / 1000;
}

test("the first rule that matches decides", async () => {
  expect(await issue("prod", "web")).toBe(3600);
  expect(await issue("prod", "web", { ttlSeconds: 60 })).toBe(60);
  expect(await issue("prod", "web", { ttlSeconds: 7200 })).toBe(3600);
  expect(await issue("legacy", "app")).toBe(86_400);
  await expect(issue("prod", "retired")).rejects.toThrow("gets no certificates");
  await expect(issue("prod", "web", { dnsNames: ["web.prod"] })).rejects.toThrow("no names besides");
  await expect(issue("prod", "web", {}, newPrivateKey("ec-p384"))).rejects.toThrow("not of ec-p256");
  const small = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  await expect(issue("legacy", "app", {}, small)).rejects.toMatchObject({ code: "POLICY_DENIED" });
  await expect(issue("product", "web")).rejects.toThrow("no rule is for it");
});

test("a policy can only shorten", async () => {
  const clock = fakeClock();
  const answer = { notAfter: clock.now() + 1e12 };
  await using authority = await selfSignedAuthority({
    ...{ trustDomain, keys: memoryKeyManager(), pollSeconds: 0, clock, policies: [() => answer] },
  });
  const identity = workloadSpiffeId(trustDomain, "a", "b");
  const ask = () => authority.issue({ csr: createCsr({ key: newPrivateKey("ec-p256") }), identity });
  expect((await ask()).notAfter.getTime()).toBe(clock.now() + 86_400_000);
  answer.notAfter = clock.now();
  await expect(ask()).rejects.toThrow("grants no time");
});

test.each(["https://a/*", "spiffe://Cluster/*", "spiffe://a/*/b", "spiffe://a/b*", "*"])(
  "%s matches nothing",
  (identity) => {
    expect(() => credentialPolicy([{ identity }])).toThrow("OPTION_INVALID");
  },
);
