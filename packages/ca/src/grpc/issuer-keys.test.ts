import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { workloadSpiffeId } from "@fairlead/model";
import { SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { createAgent } from "../agent/agent.ts";
import { inProcessClient } from "../agent/ca-client.ts";
import { selfSignedAuthority } from "../authority/self-signed.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { bundlePem } from "../trust/bundle.ts";
import type { Authenticator } from "./authenticator.ts";
import { issuerKeys } from "./issuer-keys.ts";
import { jwt } from "./jwt.ts";

interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: object;
}
const newKey = (kid: string): Key => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256" } };
};
const [one, two] = [newKey("one"), newKey("two")];

let server: Server;
let issuer: string;
let known: Key[];
let asked: string[];
let configuration: () => object | undefined;
let working: boolean;
let clock = fakeClock();

beforeEach(async () => {
  known = [one];
  asked = [];
  working = true;
  clock = fakeClock();
  configuration = () => ({ issuer, jwks_uri: `${issuer}/keys` });
  server = createServer(({ url = "" }, response) => {
    asked.push(url);
    if (!working) return void response.writeHead(500).end();
    const value = url === "/keys" ? { keys: known.map(({ jwk }) => jwk) } : configuration();
    response.writeHead(value ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(value ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const make = (jwksUri?: string): Authenticator =>
  jwt({
    keys: issuerKeys({ issuer, clock, ...(jwksUri ? { jwksUri } : {}) }),
    issuer,
    audiences: ["istio-ca"],
    trustDomain: "cluster.local",
    clock,
  });
/** The identity, or why not. */
async function ask(authenticator: Authenticator, { kid, privateKey }: Key): Promise<string> {
  const token = await new SignJWT({
    iss: issuer,
    aud: "istio-ca",
    sub: "system:serviceaccount:default:web",
    exp: Math.floor(clock.now() / 1000) + 600,
  })
    .setProtectedHeader({ alg: "ES256", kid })
    .sign(privateKey);
  return Promise.resolve(
    authenticator.authenticate({ peer: "", certificate: undefined, metadata: () => [`Bearer ${token}`] }),
  ).then(
    (caller) => caller?.identity.uri ?? "nobody",
    (error: Error) => error.message,
  );
}
const WEB = "spiffe://cluster.local/ns/default/sa/web";

describe("issuerKeys", () => {
  test("are found by the issuer's configuration, once", async () => {
    const authenticator = make();
    expect(await Promise.all([ask(authenticator, one), ask(authenticator, one)])).toEqual([WEB, WEB]);
    expect(await ask(authenticator, one)).toBe(WEB);
    expect(asked).toEqual(["/.well-known/openid-configuration", "/keys"]);
  });

  test("where they are may be said", async () => {
    expect(await ask(make(`${issuer}/keys`), one)).toBe(WEB);
    expect(asked).toEqual(["/keys"]);
  });

  test("are fetched again after five minutes, and what is in hand is used meanwhile and when that fails", async () => {
    const authenticator = make();
    expect(await ask(authenticator, one)).toBe(WEB);
    known = [two];
    clock.jump(301_000);
    expect(await ask(authenticator, one)).toBe(WEB);
    await expect.poll(() => ask(authenticator, two)).toBe(WEB);
    expect(await ask(authenticator, one)).toContain("no applicable key");
    working = false;
    clock.jump(3_600_000);
    expect(await ask(authenticator, two)).toBe(WEB);
    clock.jump(86_400_000);
    expect(await ask(authenticator, two)).toContain("cannot be had");
    working = true;
    clock.jump(31_000);
    expect(await ask(authenticator, two)).toBe(WEB);
  });

  test("an issuer that does not answer is not asked for every token", async () => {
    working = false;
    const authenticator = make();
    expect(await ask(authenticator, one)).toContain("answers 500");
    for (let index = 0; index < 20; index++) expect(await ask(authenticator, one)).toContain("a moment ago");
    expect(asked).toHaveLength(1);
    working = true;
    clock.jump(31_000);
    expect(await ask(authenticator, one)).toBe(WEB);
  });

  test("tokens of unknown keys do not make it ask at will", async () => {
    const authenticator = make();
    expect(await ask(authenticator, one)).toBe(WEB);
    for (let index = 0; index < 20; index++) expect(await ask(authenticator, two)).toContain("no applicable key");
    expect(asked).toHaveLength(2);
  });

  test.each<[string, () => object | undefined, string]>([
    ["another issuer's", () => ({ issuer: "https://else", jwks_uri: `${issuer}/keys` }), "is of another issuer"],
    ["one without keys", () => ({ issuer }), "is not an HTTPS URL"],
    [
      "one that leads elsewhere in the clear",
      () => ({ issuer, jwks_uri: "http://example.com/keys" }),
      "is not an HTTPS URL",
    ],
    ["none", () => undefined, "answers 404"],
  ])("a configuration is refused: %s", async (_, told, why) => {
    configuration = told;
    expect(await ask(make(), one)).toContain(why);
  });

  test.each(["http://issuer.example", "ftp://issuer.example", "issuer"])("%s is no issuer to ask", (bad) => {
    expect(() => issuerKeys({ issuer: bad })).toThrow("OPTION_INVALID");
  });

  test("an issuer behind roots of its own is asked by them, and by no others", async () => {
    await using authority = await selfSignedAuthority({ trustDomain: "issuer.test", keys: memoryKeyManager() });
    const identity = workloadSpiffeId("issuer.test", "default", "issuer");
    const names = { ipAddresses: ["127.0.0.1"] };
    await using agent = createAgent({ identity, ca: inProcessClient(authority, identity, names) });
    await agent.ready;
    const pair = agent.get("default");
    if (pair?.kind !== "key-pair") throw new Error("no certificate");
    const secured = createSecureServer({ cert: pair.certificateChain, key: pair.privateKey }, ({ url }, response) => {
      const told = url === "/keys" ? { keys: [one.jwk] } : { issuer, jwks_uri: `${issuer}/keys` };
      response.end(JSON.stringify(told));
    });
    await new Promise<void>((resolve) => secured.listen(0, "127.0.0.1", resolve));
    issuer = `https://127.0.0.1:${(secured.address() as AddressInfo).port}`;
    const pinned = (roots?: string) =>
      jwt({
        ...{ issuer, audiences: ["istio-ca"], trustDomain: "cluster.local", clock },
        keys: issuerKeys({ issuer, clock, ...(roots === undefined ? {} : { roots }) }),
      });
    expect(await ask(pinned(bundlePem(authority.trustBundle)), one)).toBe(WEB);
    expect(await ask(pinned(), one)).toContain("cannot be had");
    await using other = await selfSignedAuthority({ trustDomain: "issuer.test", keys: memoryKeyManager() });
    expect(await ask(pinned(bundlePem(other.trustBundle)), one)).toContain("cannot be had");
    expect(() => pinned("no certificate")).toThrow("OPTION_INVALID");
    secured.closeAllConnections();
    await new Promise((resolve) => secured.close(resolve));
  });
});
