import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { workloadSpiffeId } from "@fairlead/model";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { memoryKeyManager } from "../keys/memory.ts";
import { oidcDiscovery } from "./discovery.ts";
import { jwtAuthority } from "./jwt-authority.ts";

const issuer = "https://oidc.shop.example/mesh";

test("a consumer that knows OIDC only finds the keys and verifies the token", async () => {
  const trustDomain = "shop.example";
  await using source = await jwtAuthority({ trustDomain, keys: memoryKeyManager(), issuer, pollSeconds: 0 });
  const server = createServer(oidcDiscovery({ issuer, source }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const document = (await (await fetch(`${base}/mesh/.well-known/openid-configuration`)).json()) as {
      jwks_uri: string;
    };
    expect(document).toMatchObject({ issuer, id_token_signing_alg_values_supported: ["ES256"] });
    const keys = createRemoteJWKSet(new URL(document.jwks_uri.replace("https://oidc.shop.example", base)));
    const identity = workloadSpiffeId(trustDomain, "default", "web");
    const { token } = await source.mint({ identity, audiences: ["cloud"] });
    const { payload } = await jwtVerify(token, keys, { issuer, audience: "cloud" });
    expect(payload.sub).toBe(identity.uri);
    expect((await fetch(`${base}/keys`)).status).toBe(404);
    expect((await fetch(`${base}/mesh/keys`, { method: "POST" })).status).toBe(405);
    expect(await (await fetch(`${base}/mesh/keys`)).text()).not.toContain('"d"');
  } finally {
    server.close();
  }
});

test.each(["http://a", "https://a/", "https://a?b", "a"])("%s is no issuer", (odd) => {
  expect(() => oidcDiscovery({ issuer: odd, source: { jwtAuthorities: [] } })).toThrow("OPTION_INVALID");
});
