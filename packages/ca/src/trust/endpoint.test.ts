import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { parseSpiffeId } from "@fairlead/model";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { csrPem, p256 } from "../../test/support/requests.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "../authority/self-signed.ts";
import type { CaError } from "../error.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import {
  bundleEndpoint,
  bundlesByDomain,
  type FollowBundleOptions,
  type FollowedBundle,
  followBundle,
} from "./endpoint.ts";
import { verifyX509Svid } from "./svid.ts";

const trustDomain = "other.domain";
const id = parseSpiffeId("spiffe://other.domain/bundle-endpoint");
let web: SelfSignedAuthority;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  web = await selfSignedAuthority({ trustDomain: "web", keys: memoryKeyManager(), pollSeconds: 0 });
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** An https server of `by`, in the name of `identity`. */
async function serve(
  by: SelfSignedAuthority,
  identity: string,
  handler: Parameters<typeof createServer>[1],
): Promise<string> {
  const key = p256();
  const issued = await by.issue({
    csr: csrPem({ key }),
    identity: parseSpiffeId(identity),
    ipAddresses: ["127.0.0.1"],
  });
  const server: Server = createServer(
    { key: String(key.export({ type: "pkcs8", format: "pem" })), cert: issued.certificateChain.join("") },
    handler,
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
const other = () => selfSignedAuthority({ trustDomain, keys: memoryKeyManager(), pollSeconds: 0 });
const follow = (options: Partial<FollowBundleOptions> & { url: string }): FollowedBundle & { problems: CaError[] } => {
  const problems: CaError[] = [];
  const profile = { type: "https_web", roots: web.trustBundle.x509Authorities.join("") } as const;
  const followed = followBundle({ trustDomain, profile, onProblem: (error) => problems.push(error), ...options });
  closing.push(() => followed.close());
  return Object.assign(followed, { problems });
};

test("https_web: follows a foreign domain, whose certificates then verify by its own bundle and no other", async () => {
  const clock = fakeClock(Date.now());
  const foreign = await other();
  const url = await serve(web, "spiffe://web/endpoint", bundleEndpoint(foreign));
  const followed = follow({ url, clock });
  let told = 0;
  followed.subscribe(() => told++);
  await expect.poll(() => followed.bundle?.x509Authorities).toEqual(foreign.trustBundle.x509Authorities);
  const { certificateChain } = await foreign.issue({
    csr: csrPem(),
    identity: parseSpiffeId("spiffe://other.domain/a"),
  });
  const verify = (bundle: ReturnType<typeof bundlesByDomain>) =>
    verifyX509Svid(certificateChain.join(""), { at: Date.now(), bundle }).id.uri;
  expect(verify(bundlesByDomain(web, followed))).toBe("spiffe://other.domain/a");
  expect(() => verify(bundlesByDomain(web))).toThrow("not trusted");
  await foreign.prepare();
  await clock.advance(301_000);
  await expect.poll(() => followed.bundle?.x509Authorities.length).toBe(2);
  expect(told).toBe(2);
});

test("https_spiffe: the endpoint is who it must be, by the bundle held so far, over a change of its root", async () => {
  const foreign = await other();
  const url = await serve(foreign, id.uri, bundleEndpoint(foreign));
  const followed = follow({ url, profile: { type: "https_spiffe", id, bundle: foreign.trustBundle } });
  await foreign.activate((await foreign.prepare()).id);
  await followed.refresh();
  expect(followed.bundle?.x509Authorities).toHaveLength(2);
  const renewed = await serve(foreign, id.uri, bundleEndpoint(foreign));
  const again = follow({
    url: renewed,
    profile: { type: "https_spiffe", id, bundle: followed.bundle ?? foreign.trustBundle },
  });
  await again.refresh();
});

describe("row 53: what is refused, with the old bundle kept", () => {
  test.each<
    [string, string, (foreign: SelfSignedAuthority) => Promise<Partial<FollowBundleOptions> & { url: string }>]
  >([
    [
      "an endpoint that is somebody else",
      "not spiffe://other.domain/bundle-endpoint",
      async (foreign) => ({
        url: await serve(foreign, "spiffe://other.domain/thief", bundleEndpoint(foreign)),
        profile: { type: "https_spiffe", id, bundle: foreign.trustBundle },
      }),
    ],
    [
      "an endpoint of another root",
      "certificate",
      async (foreign) => ({
        url: await serve(web, "spiffe://web/x", bundleEndpoint(foreign)),
        profile: { type: "https_spiffe", id, bundle: foreign.trustBundle },
      }),
    ],
    [
      "a web certificate that is not trusted",
      "certificate",
      async (foreign) => ({ url: await serve(foreign, id.uri, bundleEndpoint(foreign)) }),
    ],
    [
      "a redirect",
      "answered 302",
      async () => ({
        url: await serve(web, "spiffe://web/x", (_, response) =>
          response.writeHead(302, { location: "http://127.0.0.1/" }).end(),
        ),
      }),
    ],
    [
      "an error",
      "answered 500",
      async () => ({ url: await serve(web, "spiffe://web/x", (_, response) => response.writeHead(500).end()) }),
    ],
    [
      "an answer without end",
      "bytes",
      async () => ({
        url: await serve(web, "spiffe://web/x", (_, response) => void response.end("x".repeat(5_000_000))),
      }),
    ],
    [
      "silence",
      "no answer",
      async () => ({ timeoutMs: 100, url: await serve(web, "spiffe://web/x", () => undefined) }),
    ],
    [
      "garbage",
      "BUNDLE_INVALID",
      async () => ({ url: await serve(web, "spiffe://web/x", (_, response) => void response.end("{}")) }),
    ],
    [
      "another trust domain's roots",
      "spiffe://web",
      async () => ({ url: await serve(web, "spiffe://web/x", bundleEndpoint(web)) }),
    ],
    ["nobody there", "ECONNREFUSED", async () => ({ url: "https://127.0.0.1:1/" })],
  ])("%s", async (_what, why, options) => {
    const foreign = await other();
    const followed = follow(await options(foreign));
    await expect(followed.refresh()).rejects.toThrow(why);
    await expect.poll(() => followed.problems.length).toBeGreaterThan(0);
    expect(followed.bundle?.x509Authorities ?? foreign.trustBundle.x509Authorities).toEqual(
      foreign.trustBundle.x509Authorities,
    );
  });
  test.each(["http://127.0.0.1/", "nowhere", "https://user:pass@127.0.0.1/"])("the URL %s", (url) => {
    expect(() => followBundle({ trustDomain, url, profile: { type: "https_web" } })).toThrow("OPTION_INVALID");
  });
});

test("only GET and HEAD", async () => {
  const foreign = await other();
  const url = await serve(web, "spiffe://web/x", bundleEndpoint(foreign));
  const { request } = await import("node:https");
  const ask = (method: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(url, { method, ca: web.trustBundle.x509Authorities.join("") }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
  expect([await ask("HEAD"), await ask("POST"), await ask("PUT")]).toEqual([200, 405, 405]);
});
