import { generateKeyPairSync, sign } from "node:crypto";
import { memoryKeyManager, selfSignedAuthority } from "@fairlead/ca";
import { createAgent, inProcessClient } from "@fairlead/ca/agent";
import { joinTokens, jwt, xfcc } from "@fairlead/ca/grpc";
import { textStore } from "@fairlead/config";
import { workloadSpiffeId } from "@fairlead/model";
import { createDiscoveryClient, RESOURCE_TYPES } from "@fairlead/xds";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { type ControlPlane, createControlPlane } from "./control-plane.ts";
import { debugReaders } from "./identity.ts";
import { mayDebug } from "./pages.ts";

const LOOPBACK = "127.0.0.1:0";
const CLUSTERS = RESOURCE_TYPES.find(({ shortName }) => shortName === "CDS")?.typeUrl ?? "";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const JWKS = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k", alg: "ES256" }] };
const tokens = jwt({ keys: JWKS, issuer: "https://issuer", audiences: ["istio-ca"], trustDomain: "cluster.local" });

function token(namespace: string, account: string, change: object = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    iss: "https://issuer",
    aud: "istio-ca",
    sub: `system:serviceaccount:${namespace}:${account}`,
    exp: Math.floor(Date.now() / 1000) + 600,
    ...change,
  };
  const signed = `${part({ alg: "ES256", kid: "k" })}.${part(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `Bearer ${signed}.${signature.toString("base64url")}`;
}

async function withPlane() {
  const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
  const plane = await createControlPlane({ config: textStore({}), authority });
  return { authority, plane };
}

/** `served`, or the status that the stream ended with. */
function ask(
  address: string,
  channel: ChannelCredentials,
  metadata: Record<string, string>,
  node = "page.default",
): Promise<string> {
  return new Promise((resolve) => {
    const [name, namespace] = node.split(".");
    const end = (outcome: string) => {
      client.close();
      resolve(outcome);
    };
    const client = createDiscoveryClient({
      address,
      credentials: channel,
      node: {
        id: `sidecar~10.0.0.9~${node}~${namespace}.svc.cluster.local`,
        metadata: { SERVICE_ACCOUNT: name },
      },
      subscriptions: { [CLUSTERS]: ["*"] },
      metadata,
      onResources: () => void end("served"),
      onDisconnect: ({ message }) => end(message),
    });
  });
}

describe("a discovery port that takes tokens", () => {
  const dial = async (more: Parameters<ControlPlane["listen"]>[0]) => {
    const { authority, plane } = await withPlane();
    const { ads } = await plane.listen(more);
    const roots = Buffer.from(authority.trustBundle.x509Authorities.join(""));
    return { authority, plane, ads, roots, tls: credentials.createSsl(roots) };
  };

  it("lets in who has a token or a certificate of its own identity", async () => {
    const { authority, plane, ads, roots, tls } = await dial({ ads: LOOPBACK, authenticators: [tokens] });
    await using _authority = authority;
    await using _closing = plane;
    expect(await ask(ads, tls, { authorization: token("default", "page") })).toBe("served");

    const identity = workloadSpiffeId("cluster.local", "default", "page");
    await using agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
    await agent.ready;
    const pair = agent.get("default");
    if (pair?.kind !== "key-pair") throw new Error("no certificate");
    const own = credentials.createSsl(roots, Buffer.from(pair.privateKey), Buffer.from(pair.certificateChain));
    expect(await ask(ads, own, {})).toBe("served");
    expect(await ask(ads, own, {}, "other.default")).toMatch(/PERMISSION_DENIED.*its certificate says page/);
  });

  it.each([
    ["nothing", {}, /^16 UNAUTHENTICATED/],
    ["a token that has ended", { authorization: token("default", "page", { exp: 1 }) }, /^16 UNAUTHENTICATED/],
    ["a token for somebody else", { authorization: token("default", "page", { aud: "other" }) }, /^16 UNAUTHENTICATED/],
    ["a token of another account", { authorization: token("default", "cart") }, /^7 PERMISSION_DENIED.*says cart/],
    ["a token of another namespace", { authorization: token("vault", "page") }, /^7 PERMISSION_DENIED.*says vault/],
    ["a header of a proxy", { "x-forwarded-client-cert": "URI=spiffe://cluster.local/ns/default/sa/page" }, /^16 /],
  ])("refuses %s, and does not tell why a credential does not hold", async (_, metadata, status) => {
    const { authority, plane, ads, tls } = await dial({ ads: LOOPBACK, authenticators: [tokens] });
    await using _authority = authority;
    await using _closing = plane;
    const told = await ask(ads, tls, metadata);
    expect(told).toMatch(status);
    if (told.startsWith("16")) expect(told).not.toMatch(/exp|aud|jwt/);
  });

  it("refuses a certificate of another authority, whatever it says", async () => {
    const { authority, plane, ads, roots } = await dial({ ads: LOOPBACK, authenticators: [tokens] });
    await using _authority = authority;
    await using _closing = plane;
    await using other = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    const identity = workloadSpiffeId("cluster.local", "default", "page");
    await using agent = createAgent({ identity, ca: inProcessClient(other, identity) });
    await agent.ready;
    const pair = agent.get("default");
    if (pair?.kind !== "key-pair") throw new Error("no certificate");
    const foreign = credentials.createSsl(roots, Buffer.from(pair.privateKey), Buffer.from(pair.certificateChain));
    expect(await ask(ads, foreign, {})).toMatch(/^16 UNAUTHENTICATED/);
  });

  it("takes the word of a trusted proxy, over plaintext too, and does not spend tokens for certificates", async () => {
    const join = joinTokens();
    const authenticators = [xfcc({ trustedCidrs: ["127.0.0.1/32"] }), join];
    const { authority, plane, ads } = await dial({ ads: LOOPBACK, security: "plaintext", authenticators });
    await using _authority = authority;
    await using _closing = plane;
    const plain = credentials.createInsecure();
    const header = { "x-forwarded-client-cert": "By=x;URI=spiffe://cluster.local/ns/default/sa/page" };
    expect(await ask(ads, plain, header)).toBe("served");
    expect(await ask(ads, plain, header, "cart.default")).toMatch(/its credential \(xfcc\) says page/);
    expect(await ask(ads, plain, {})).toMatch(/^16 UNAUTHENTICATED/);
    const once = {
      authorization: `Bearer ${join.add({ identity: workloadSpiffeId("cluster.local", "default", "page") })}`,
    };
    expect(await ask(ads, plain, once)).toBe("served");
    expect(await ask(ads, plain, once)).toBe("served");
  });
});

describe("debug pages, asked from another machine", () => {
  const asking = (authorization?: string) => ({
    socket: { remoteAddress: "10.1.2.3", remotePort: 40_000 },
    headers: { host: "control.example", ...(authorization ? { authorization } : {}) },
  });

  it.each([
    ["no credential", undefined, false],
    ["a workload's", token("default", "page"), false],
    ["one that has ended", token("istio-system", "reader", { exp: 1 }), false],
    ["one of the root namespace", token("istio-system", "reader"), true],
  ])("%s", async (whose, authorization, may) => {
    const authorize = debugReaders({ authenticators: [tokens] }, () => "istio-system");
    expect(await mayDebug(authorize, asking(authorization))).toBe(may);
    expect(await mayDebug(undefined, asking(authorization))).toBe(false);
    const named = debugReaders({ authenticators: [tokens], namespaces: ["default"] }, () => "istio-system");
    expect(await mayDebug(named, asking(authorization))).toBe(whose === "a workload's");
  });
});
