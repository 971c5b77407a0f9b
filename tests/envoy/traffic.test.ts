import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { bound } from "../../examples/demo/measure.ts";
import { answerOf, type Sample, startSample } from "../support/sample.ts";

/** What the configuration asks for, seen in the traffic of real Envoys. */
describe.each([
  ["delta", 40],
  ["sotw", 42],
] as const)("traffic, %s", (mode, net) => {
  let sample: Sample;
  const nacks: string[] = [];

  beforeAll(async () => {
    sample = await startSample({ net, mode });
    sample.plane.on("nack", ({ message }) => void nacks.push(message));
  });
  afterAll(async () => {
    await sample?.[Symbol.asyncDispose]();
    expect(nacks).toEqual([]);
  });

  const route = (http: string) => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: details}
spec:
  hosts: [details]
  http:
${http.replaceAll(/^/gm, "  ")}`;

  it("goes through the gateway, mutual TLS on every hop", async () => {
    const answer = answerOf(await sample.visit());
    expect(answer).toMatchObject({ service: "page", caller: "spiffe://cluster.local/ns/default/sa/gateway" });
    expect(answer.calls.map(({ service, caller }) => [service, caller])).toEqual([
      ["details", "spiffe://cluster.local/ns/default/sa/page"],
      ["reviews", "spiffe://cluster.local/ns/default/sa/page"],
    ]);
    const proxies = sample.plane.proxies();
    expect(proxies).toHaveLength(7);
    expect(new Set(proxies.map((proxy) => proxy.mode))).toEqual(new Set([mode]));
    expect(proxies.every(({ types }) => types.every(({ synced }) => synced))).toBe(true);
  });

  // One honest run in a thousand is outside for each share; two in a row are not believed.
  it("splits by weight within the 99.9 % bound", { retry: 1 }, async () => {
    const counts: Record<string, number> = {};
    const requests = 1000;
    let left = requests;
    const worker = async () => {
      while (left-- > 0) {
        const { version } = answerOf(await sample.call("page-v1", "reviews"));
        counts[version] = (counts[version] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: 10 }, worker));
    for (const [version, share] of [
      ["v1", 0.7],
      ["v2", 0.2],
      ["v3", 0.1],
    ] as const)
      expect(
        Math.abs((counts[version] ?? 0) - requests * share),
        `${version}: ${JSON.stringify(counts)}`,
      ).toBeLessThanOrEqual(bound(requests, share));
  });

  it("matches headers, first rule first", async () => {
    for (let index = 0; index < 10; index++)
      expect(answerOf(await sample.call("page-v1", "reviews", "/", { "end-user": "jason" })).version).toBe("v2");
  });

  it("is refused where no policy allows it", async () => {
    const { status, body } = await sample.call("ratings-v1", "reviews");
    expect([status, body]).toEqual([403, "RBAC: access denied"]);
  });

  it.each<[string, string, string, Record<string, string>, object]>([
    [
      "fault abort",
      `- fault: {abort: {httpStatus: 418, percentage: {value: 100}}}\n  route: [{destination: {host: details}}]`,
      "/",
      {},
      { status: 418 },
    ],
    [
      "direct response",
      `- match: [{uri: {exact: /ping}}]\n  directResponse: {status: 201, body: {string: pong}}\n- route: [{destination: {host: details}}]`,
      "/ping",
      {},
      { status: 201, body: "pong" },
    ],
    [
      "redirect",
      `- match: [{uri: {prefix: /old}}]\n  redirect: {uri: /new, redirectCode: 308}\n- route: [{destination: {host: details}}]`,
      "/old/x",
      {},
      { status: 308 },
    ],
    [
      "regular expression and method",
      `- match: [{uri: {regex: "/item/[0-9]+"}, method: {exact: GET}}]\n  directResponse: {status: 204}\n- directResponse: {status: 404}`,
      "/item/12",
      {},
      { status: 204 },
    ],
    [
      "query parameter",
      `- match: [{queryParams: {a: {exact: b}}}]\n  directResponse: {status: 204}\n- directResponse: {status: 404}`,
      "/?a=b",
      {},
      { status: 204 },
    ],
    [
      "absent header",
      `- match: [{withoutHeaders: {x-no: {}}}]\n  directResponse: {status: 204}\n- directResponse: {status: 404}`,
      "/",
      { "x-no": "1" },
      { status: 404 },
    ],
    [
      "another destination with a rewrite",
      `- rewrite: {uri: /elsewhere, authority: ratings}\n  route: [{destination: {host: ratings}}]`,
      "/x",
      {},
      { status: 200 },
    ],
  ])("%s", async (_, http, path, headers, expected) => {
    await sample.write("details.yaml", route(http));
    expect(await sample.call("page-v1", "details", path, headers)).toMatchObject(expected);
  });

  it("times out, and retries elsewhere", async () => {
    await sample.write(
      "details.yaml",
      route(
        `- timeout: 0.2s\n  fault: {delay: {fixedDelay: 2s, percentage: {value: 100}}}\n  route: [{destination: {host: details}}]`,
      ),
    );
    const started = Date.now();
    const slow = await sample.call("page-v1", "details");
    expect(Date.now() - started).toBeGreaterThanOrEqual(190);
    // A delay that was injected is over before the timeout of the route begins.
    expect([200, 504]).toContain(slow.status);
    await sample.write(
      "details.yaml",
      route(`- route: [{destination: {host: details}}]\n  retries: {attempts: 2, retryOn: 5xx}`),
    );
    expect((await sample.call("page-v1", "details")).status).toBe(200);
  });

  it("moves with an edit once every Envoy has accepted it", async () => {
    const text = await readFile(join(sample.folder, "reviews.yaml"), "utf8");
    let weight = 0;
    await sample.write(
      "reviews.yaml",
      text.replaceAll(/weight: \d+/g, () => `weight: ${[0, 100, 0][weight++]}`),
    );
    for (let index = 0; index < 20; index++)
      expect(answerOf(await sample.call("page-v1", "reviews")).version).toBe("v2");
    await sample.write("reviews.yaml", text);
  });

  it("is refused where a plugin that must not fail open cannot run", async () => {
    const plugin = (strategy: string) => `
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: guard}
spec: {selector: {matchLabels: {app: details}}, url: "oci://registry.example/guard:v1", failStrategy: ${strategy}}
`;
    // Connections that were open stay with the filters they began with until the old listener has drained.
    const status = async () => (await sample.call("page-v1", "details")).status;
    await sample.write("plugin.yaml", plugin("FAIL_CLOSE"));
    await vi.waitFor(async () => expect(await status()).toBe(403), { timeout: 8000, interval: 100 });
    await sample.write("plugin.yaml", plugin("FAIL_OPEN"));
    await vi.waitFor(async () => expect(await status()).toBe(200), { timeout: 8000, interval: 100 });
  });
});
