import type { AuthorizationRule } from "@fairlead/config";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { stringify } from "yaml";
import { get } from "../../examples/demo/program.ts";
import { type Sample, startSample } from "../support/sample.ts";

type Row = readonly [what: string, holds: boolean, rule: AuthorizationRule];

const from = (source: NonNullable<NonNullable<AuthorizationRule["from"]>[number]["source"]>) => ({
  from: [{ source }],
});
const to = (operation: NonNullable<NonNullable<AuthorizationRule["to"]>[number]["operation"]>) => ({
  to: [{ operation }],
});
const when = (key: string, values: string[], notValues: string[] = []) => ({
  when: [{ key, ...(values.length > 0 ? { values } : {}), ...(notValues.length > 0 ? { notValues } : {}) }],
});

/** Rules about a request of `page` to `details`, as Istio's API means them. The path of each is its own. */
const ROWS: readonly Row[] = [
  ["its principal", true, from({ principals: ["cluster.local/ns/default/sa/page"] })],
  ["another principal", false, from({ principals: ["cluster.local/ns/default/sa/pag"] })],
  ["a prefix of it", true, from({ principals: ["cluster.local/ns/default/*"] })],
  ["a suffix of it", true, from({ principals: ["*/sa/page"] })],
  ["a suffix with a dot that is no wildcard", false, from({ principals: ["*/sa.page"] })],
  ["any principal", true, from({ principals: ["*"] })],
  ["a principal of the former trust domain", true, from({ principals: ["former.example/ns/default/sa/page"] })],
  ["not its principal", false, from({ notPrincipals: ["*/sa/page"] })],
  ["its namespace", true, from({ namespaces: ["default"] })],
  ["another namespace", false, from({ namespaces: ["defaul?"] })],
  ["a namespace by its start", true, from({ namespaces: ["def*"] })],
  ["not its namespace", false, from({ notNamespaces: ["default"] })],
  ["its service account", true, from({ serviceAccounts: ["page"] })],
  ["its service account with its namespace", true, from({ serviceAccounts: ["default/page"] })],
  ["the account of another namespace", false, from({ serviceAccounts: ["other/page"] })],
  ["an account that begins so", false, from({ serviceAccounts: ["pag"] })],
  ["its trust domain", true, from({ trustDomains: ["cluster.local"] })],
  ["another trust domain", false, from({ trustDomains: ["cluster.loca"] })],
  ["its address", true, from({ ipBlocks: ["127.0.0.0/8"] })],
  ["another network", false, from({ ipBlocks: ["10.0.0.0/8"] })],
  ["a token, which it has not", false, from({ requestPrincipals: ["*"] })],
  ["all of two", true, from({ namespaces: ["default"], principals: ["*/page"] })],
  ["one of two", false, from({ namespaces: ["other"], principals: ["*/page"] })],
  ["its method", true, to({ methods: ["GET"] })],
  ["another method", false, to({ methods: ["POST"] })],
  ["not its method", false, to({ notMethods: ["GET"] })],
  ["its port", true, to({ ports: ["9080"] })],
  ["another port", false, to({ ports: ["9081"] })],
  ["its host in other letters", true, to({ hosts: ["DETAILS*"] })],
  ["another host", false, to({ hosts: ["*.example"] })],
  ["a header", true, when("request.headers[x-team]", ["blue"])],
  ["a header by its start", true, when("request.headers[x-team]", ["bl*"])],
  ["another value", false, when("request.headers[x-team]", ["green"])],
  ["not that value", false, when("request.headers[x-team]", [], ["blue"])],
  ["a header that is not there", false, when("request.headers[x-none]", ["*"])],
  ["its principal as a condition", true, when("source.principal", ["*/sa/page"])],
  ["the port as a condition", true, when("destination.port", ["9080"])],
  [
    "the server name of the connection",
    true,
    when("connection.sni", ["outbound_.9080_._.details.default.svc.cluster.local"]),
  ],
];

const policy = (name: string, action: string, rules: readonly AuthorizationRule[], annotations = {}) =>
  stringify({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name, annotations },
    spec: { selector: { matchLabels: { app: "details" } }, action, rules },
  });

/** The rule for a path of its own; other operations come along. */
const at = (path: string, rule: AuthorizationRule): AuthorizationRule => ({
  ...rule,
  to: (rule.to ?? [{}]).map(({ operation = {} }) => ({ operation: { ...operation, paths: [path] } })),
});

describe("policies, enforced by a real Envoy", () => {
  let sample: Sample;
  const ask = async (path: string) => (await sample.call("page-v1", "details", path, { "x-team": "blue" })).status;
  /** Connections that were open stay with the filters they began with until the old listener has drained. */
  const write = async (file: string, text: string, path: string, status: number) => {
    await sample.write(file, text);
    await vi.waitFor(async () => expect(await ask(path)).toBe(status), { timeout: 8000, interval: 50 });
  };

  beforeAll(async () => {
    sample = await startSample({
      net: 46,
      mode: "delta",
      meshConfig: { trustDomain: "cluster.local", trustDomainAliases: ["former.example"] },
    });
    const allowed = ROWS.map(([, , rule], index) => at(`/allow/${index}`, rule));
    const denied = ROWS.map(([, , rule], index) => at(`/deny/${index}`, rule));
    const templates = [
      { to: [{ operation: { paths: ["/deny/*", "/seen"] } }] },
      { to: [{ operation: { paths: ["/items/{*}/parts/{**}"], notPaths: ["/items/7/*"] } }] },
    ];
    await write("policy.yaml", policy("allow", "ALLOW", [...allowed, ...templates]), "/seen", 200);
    await write(
      "deny.yaml",
      policy("deny", "DENY", [...denied, { to: [{ operation: { paths: ["/seen"] } }] }]),
      "/seen",
      403,
    );
  });
  afterAll(() => sample?.[Symbol.asyncDispose]());

  it.each(ROWS.map(([what, holds], index) => [what, holds, index] as const))("%s: %s", async (_, holds, index) => {
    expect({ allow: await ask(`/allow/${index}`), deny: await ask(`/deny/${index}`) }).toEqual({
      allow: holds ? 200 : 403,
      deny: holds ? 403 : 200,
    });
  });

  it.each([
    ["/items/1/parts/2/3", 200],
    ["/items/1/parts/2", 200],
    ["/items/1/2/parts/3", 403],
    ["/items/7/parts/1", 403],
    ["/items//parts/1", 403],
    ["/nothing", 403],
    // Paths are brought into their usual form before they are looked at.
    ["/nothing/../items/1/parts/2", 200],
    // All but two slashes, which MeshConfig.pathNormalization is asked about.
    ["//items/1/parts/2", 403],
  ])("paths: %s %s", async (path, status) => {
    expect(await ask(path)).toBe(status);
  });

  it("a policy that is tried out changes nothing", async () => {
    const all = [{}];
    await sample.write("dry.yaml", policy("dry", "DENY", all, { "istio.io/dry-run": "true" }));
    // Something that is enforced comes with it, so that one can see that it has arrived.
    await write(
      "deny.yaml",
      policy("deny", "DENY", [{ to: [{ operation: { paths: ["/items/1/*"] } }] }]),
      "/seen",
      200,
    );
    expect([await ask("/seen"), await ask("/items/1/parts/2")]).toEqual([200, 403]);
  });

  describe("PeerAuthentications", () => {
    /** What a program outside the mesh gets, in plaintext. */
    const outside = () =>
      get("127.0.46.20", 9080, "details:9080", "/seen").then(
        ({ status }) => String(status),
        (error: NodeJS.ErrnoException) => error.code ?? error.message,
      );
    const mode = (spec: object) =>
      stringify({
        apiVersion: "security.istio.io/v1",
        kind: "PeerAuthentication",
        metadata: { name: "details" },
        spec: { selector: { matchLabels: { app: "details" } }, ...spec },
      });

    it.each([
      ["PERMISSIVE", { mtls: { mode: "PERMISSIVE" } }, "200"],
      ["nothing of its own, under STRICT of the namespace", {}, "ECONNRESET"],
      ["PERMISSIVE on the port", { mtls: { mode: "STRICT" }, portLevelMtls: { 9080: { mode: "PERMISSIVE" } } }, "200"],
      [
        "PERMISSIVE on another port",
        { mtls: { mode: "STRICT" }, portLevelMtls: { 80: { mode: "PERMISSIVE" } } },
        "ECONNRESET",
      ],
      ["DISABLE", { mtls: { mode: "DISABLE" } }, "200"],
      ["STRICT on the port", { mtls: { mode: "DISABLE" }, portLevelMtls: { 9080: { mode: "STRICT" } } }, "ECONNRESET"],
    ])("%s", async (_, spec, expected) => {
      await sample.write("mode.yaml", mode(spec));
      await vi.waitFor(async () => expect(await outside()).toBe(expected), { timeout: 8000, interval: 50 });
      // Who is in the mesh gets through in every mode.
      await vi.waitFor(async () => expect(await ask("/seen")).toBe(200), { timeout: 8000, interval: 50 });
    });
  });
});
