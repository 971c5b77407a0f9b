import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blockedAddresses } from "./blocked.ts";
import { fetchKeySet } from "./resolve.ts";

const KEYS = '{ "keys": [ {"kty": "EC"} ] }';
const ISSUER = "/realm/.well-known/openid-configuration";
let server: Server;
let base: string;

const ANSWERS: Record<string, RequestListener> = {
  "/keys": (_, response) => void response.end(KEYS),
  [ISSUER]: (_, response) => void response.end(JSON.stringify({ issuer: `${base}/realm/`, jwks_uri: `${base}/keys` })),
  "/other/.well-known/openid-configuration": (_, response) =>
    void response.end(JSON.stringify({ issuer: "https://elsewhere", jwks_uri: `${base}/keys` })),
  "/bare/.well-known/openid-configuration": (_, response) => void response.end("{}"),
  "/page": (_, response) => void response.end("<html>the secret page</html>"),
  "/object": (_, response) => void response.end('{"secret": "page"}'),
  "/list": (_, response) => void response.end("[]"),
  "/large": (_, response) => void response.end(`{"keys":[],"x":"${"x".repeat(1 << 20)}"}`),
  "/bytes": (_, response) => void response.end(Buffer.from([0x7b, 0xff, 0x7d])),
  "/moved": (_, response) => void response.writeHead(302, { location: "/keys" }).end(),
  "/loop": (_, response) => void response.writeHead(302, { location: "/loop" }).end(),
  "/inside": (_, response) => void response.writeHead(302, { location: "http://169.254.169.254/keys" }).end(),
  "/file": (_, response) => void response.writeHead(302, { location: "file:///etc/passwd" }).end(),
  "/slow": () => undefined,
  "/drip": (_, response) => void response.write("{"),
};

beforeAll(async () => {
  server = createServer((request, response) => {
    const answer = ANSWERS[request.url ?? ""];
    if (answer) answer(request, response);
    else response.writeHead(404).end("not here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(
  () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
);

const fetched = (path: string, blockedCidrs: readonly string[] = [], timeout = 5_000) =>
  fetchKeySet(path.startsWith("/") ? base + path : path, { timeout, blocked: blockedAddresses(blockedCidrs) });

describe("fetchKeySet", () => {
  it.each(["/keys", "/moved", ISSUER])("gives the key set behind %s as it is", async (path) => {
    expect(await fetched(path)).toBe(KEYS);
  });

  it.each([
    ["/missing", "status 404"],
    ["/page", "gives no JSON object"],
    ["/list", "gives no JSON object"],
    ["/object", "gives no key set"],
    ["/bytes", /encoded data was not valid/],
    ["/large", "more than 1048576 bytes"],
    ["/loop", "too many redirects"],
    ["/inside", "address 169.254.169.254 is blocked"],
    ["/file", "is not an HTTP URL"],
    ["/other/.well-known/openid-configuration", "is the configuration of another issuer"],
    ["/bare/.well-known/openid-configuration", "has no jwks_uri"],
    ["https://localhost:1/keys", "ECONNREFUSED"],
    ["ftp://localhost/keys", "is not an HTTP URL"],
    ["http://[fe80::1]/keys", "address fe80::1 is blocked"],
    ["http://[::ffff:169.254.169.254]/keys", "is blocked"],
    ["http://0xa9fea9fe/latest", "is blocked"],
  ])("refuses %s, without a word of what it holds", async (path, message) => {
    const error = await fetched(path).then(String, (problem: Error) => problem.message);
    expect(error).toMatch(message);
    expect(error).not.toContain("secret");
  });

  it("does not connect to blocked addresses, whatever their name", async () => {
    await expect(fetched("/keys", ["127.0.0.0/8", "::1/128"])).rejects.toThrow(/localhost has the blocked address/);
    await expect(fetched(base.replace("localhost", "127.0.0.1"), ["127.0.0.0/8"])).rejects.toThrow(
      "127.0.0.1 is blocked",
    );
    expect(() => blockedAddresses(["10.0.0.0"])).toThrow("is not a CIDR range");
  });

  it.each(["/slow", "/drip"])("waits for %s only so long", async (path) => {
    await expect(fetched(path, [], 50)).rejects.toThrow("no answer within 50 ms");
  });
});
