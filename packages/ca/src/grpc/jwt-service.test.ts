import { afterEach, beforeEach, expect, test } from "vitest";
import { identity } from "../../test/support/requests.ts";
import { type Agent, createAgent } from "../agent/agent.ts";
import { inProcessClient } from "../agent/ca-client.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "../authority/self-signed.ts";
import { type JwtAuthority, jwtAuthority } from "../jwt/jwt-authority.ts";
import { verifyJwtSvid } from "../jwt/verify.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { domainBundle } from "../trust/bundle.ts";
import { clientCertificate } from "./client-certificate.ts";
import { grpcJwtClient } from "./jwt-client.ts";
import { type CertificateListener, listenCertificateService } from "./listen.ts";

const trustDomain = "cluster.local";
let authority: SelfSignedAuthority;
let jwt: JwtAuthority;
let server: CertificateListener;
let agent: Agent;
beforeEach(async () => {
  const keys = memoryKeyManager();
  authority = await selfSignedAuthority({ trustDomain, keys, pollSeconds: 0 });
  jwt = await jwtAuthority({ trustDomain, keys, pollSeconds: 0 });
  server = await listenCertificateService({
    ...{ authority, address: "127.0.0.1:0", authenticators: [clientCertificate({ authority })] },
    jwt: { issuer: jwt, bundle: domainBundle(authority, jwt) },
  });
  agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
  await agent.ready;
});
afterEach(async () => {
  await Promise.all([agent.close(), server.close()]);
  await Promise.all([jwt.close(), authority.close()]);
});

test("a token for the caller's identity, and the bundle to verify it with", async () => {
  const client = grpcJwtClient({ address: server.address, agent });
  await expect.poll(() => client.bundle?.jwtAuthorities).toEqual(jwt.jwtAuthorities);
  const { token, expiresAt } = await client.mint({ identity, audiences: ["a", "b"], ttlSeconds: 60 });
  expect(expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(60_000);
  const verified = await verifyJwtSvid(token, { audience: "b", at: Date.now(), bundle: () => client.bundle });
  expect(verified).toMatchObject({ id: { uri: identity.uri }, audiences: ["a", "b"] });
  await expect(client.mint({ identity, audiences: ["a"], ttlSeconds: 4000 })).rejects.toThrow("TTL_TOO_LONG");
  await expect(client.mint({ identity, audiences: [] })).rejects.toThrow("audience");
  const another = { ...identity, uri: `${identity.uri}x` };
  await expect(client.mint({ identity: another, audiences: ["a"] })).rejects.toMatchObject({
    code: "SPIFFE_ID_INVALID",
  });
  client.close();
});

test("nobody gets one without a certificate of the mesh", async () => {
  const foreign = await selfSignedAuthority({ trustDomain, keys: memoryKeyManager(), pollSeconds: 0 });
  const stranger = createAgent({
    ...{ identity, ca: inProcessClient(foreign, identity) },
    extraRoots: authority.trustBundle.x509Authorities,
  });
  await stranger.ready;
  const problems: string[] = [];
  const client = grpcJwtClient({
    ...{ address: server.address, agent: stranger },
    onProblem: ({ message }) => problems.push(message),
  });
  await expect(client.mint({ identity, audiences: ["a"] })).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  await expect.poll(() => problems.length).toBe(1);
  expect(client.bundle).toBeUndefined();
  client.close();
  await stranger.close();
  await foreign.close();
});

test("callers are limited", async () => {
  const client = grpcJwtClient({ address: server.address, agent });
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, () => client.mint({ identity, audiences: ["a"] })),
  );
  const failed = results.filter((result) => result.status === "rejected").map(({ reason }) => reason.code);
  expect(new Set(failed)).toEqual(new Set(["RATE_LIMITED"]));
  expect(results.length - failed.length).toBeGreaterThan(10);
  client.close();
});
