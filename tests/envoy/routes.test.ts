// Longer than most files: a mesh in which every feature of routes has a host of its own, and what comes of each.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bound } from "../../examples/demo/measure.ts";
import { type Asked, ask, type Counted, startEcho, tally } from "../support/echo.ts";
import { object, type Proxied, startProxied } from "../support/proxied.ts";

/** What the rules of VirtualServices do with requests that go through real Envoys. */

const NET = "127.0.70";
const PORT = 9080;
const OTHER_PORT = 9081;
const REQUESTS = 1000;
const PROXIES = {
  client: { address: `${NET}.2` },
  other: { address: `${NET}.3`, namespace: "far" },
  gate: { address: `${NET}.4`, type: "router" },
} as const;
type Name = keyof typeof PROXIES;

const VERSIONS = ["v1", "v2", "v3"] as const;
const to = (host: string, subset?: string) => ({ destination: { host, ...(subset ? { subset } : {}) } });
const direct = (status: number, string = "") => ({
  directResponse: { status, ...(string ? { body: { string } } : {}) },
});

/** The `http` rules of a host each, and more of its VirtualService; `policy` is of its DestinationRule. */
interface Host {
  readonly http?: readonly object[];
  readonly more?: object;
  readonly policy?: object;
  /** Which versions have endpoints. Default: all. */
  readonly versions?: readonly string[];
  readonly exportTo?: readonly string[];
}

const withPercentage = (value: number) => ({ percentage: { value } });

const HOSTS: Readonly<Record<string, Host>> = {
  "labels.test": {
    http: [
      { match: [{ sourceLabels: { app: "client" } }], route: [to("labels.test", "v2")] },
      { route: [to("labels.test", "v1")] },
    ],
  },
  "namespace.test": {
    http: [
      { match: [{ sourceNamespace: "far" }], route: [to("namespace.test", "v3")] },
      { route: [to("namespace.test", "v1")] },
    ],
  },
  "gateways.test": {
    more: { gateways: ["mesh", "gate"] },
    http: [
      { match: [{ gateways: ["gate"] }], route: [to("gateways.test", "v2")] },
      { match: [{ gateways: ["mesh"], uri: { prefix: "/" } }], route: [to("gateways.test", "v1")] },
    ],
  },
  "port.test": {
    http: [{ match: [{ port: OTHER_PORT }], route: [to("port.test", "v2")] }, { route: [to("port.test", "v1")] }],
  },
  "stat.test": {
    http: [{ match: [{ uri: { prefix: "/counted" }, statPrefix: "counted" }], route: [to("stat.test", "v1")] }],
  },
  "without.test": {
    http: [
      { match: [{ withoutHeaders: { "x-no": { exact: "yes" } }, headers: { "x-a": {} } }], ...direct(201) },
      { match: [{ queryParams: { q: { regex: "v+" }, p: { exact: "1" } } }], ...direct(202) },
      { match: [{ uri: { exact: "/Case" }, ignoreUriCase: true }], ...direct(203) },
      { match: [{ method: { exact: "PUT" }, scheme: { exact: "http" } }], ...direct(205) },
      { match: [{ authority: { prefix: "without.test:" } }], ...direct(206) },
      direct(404),
    ],
  },
  "rewrite.test": {
    http: [
      {
        match: [{ uri: { prefix: "/regex" } }],
        rewrite: { uriRegexRewrite: { match: "^/regex/([^/]+)/(.*)$", rewrite: "/\\2/\\1" } },
        route: [to("rewrite.test", "v1")],
      },
      {
        match: [{ uri: { prefix: "/old/" } }],
        rewrite: { uri: "/new/", authority: "else.test" },
        route: [to("rewrite.test", "v1")],
      },
      { redirect: { uri: "/there", authority: "else.test", redirectCode: 308, scheme: "https", port: 444 } },
    ],
  },
  "delay.test": {
    http: [{ fault: { delay: { fixedDelay: "0.4s", ...withPercentage(20) } }, route: [to("delay.test", "v1")] }],
  },
  "abort.test": {
    http: [{ fault: { abort: { httpStatus: 418, ...withPercentage(30) } }, route: [to("abort.test", "v1")] }],
  },
  "grpc-abort.test": {
    http: [
      { fault: { abort: { grpcStatus: "UNAVAILABLE", ...withPercentage(100) } }, route: [to("grpc-abort.test", "v1")] },
    ],
  },
  "mirror.test": {
    http: [
      {
        route: [to("mirror.test", "v1")],
        mirrors: [
          { ...to("shadow-a.test"), ...withPercentage(25) },
          { ...to("shadow-b.test"), ...withPercentage(60) },
        ],
      },
    ],
  },
  "shadow-a.test": { versions: ["shadow-a"] },
  "shadow-b.test": { versions: ["shadow-b"] },
  "weights.test": {
    http: [
      {
        route: [
          { ...to("weights.test", "v1"), weight: 60, headers: { request: { set: { "x-share": "60" } } } },
          { ...to("weights.test", "v2"), weight: 30, headers: { response: { set: { "x-share": "30" } } } },
          { ...to("weights.test", "v3"), weight: 10 },
        ],
      },
    ],
  },
  "cors.test": {
    http: [
      {
        match: [{ uri: { prefix: "/ignore" } }],
        corsPolicy: { allowOrigins: [{ exact: "http://good.test" }], unmatchedPreflights: "IGNORE" },
        route: [to("cors.test", "v1")],
      },
      {
        corsPolicy: {
          allowOrigins: [{ exact: "http://good.test" }, { regex: "http://.*\\.good\\.test" }],
          allowMethods: ["GET", "PUT"],
          allowHeaders: ["x-a"],
          exposeHeaders: ["x-by"],
          maxAge: "60s",
          allowCredentials: true,
        },
        route: [to("cors.test", "v1")],
      },
    ],
  },
  "root.test": {
    http: [
      { match: [{ uri: { prefix: "/team" } }], delegate: { name: "team", namespace: "far" } },
      { route: [to("root.test", "v1")] },
    ],
  },
  "ring.test": {
    policy: {
      loadBalancer: { consistentHash: { httpHeaderName: "x-user", ringHash: { minimumRingSize: 2048 } } },
    },
  },
  "maglev.test": {
    policy: { loadBalancer: { consistentHash: { httpQueryParameterName: "user", maglev: { tableSize: 251 } } } },
  },
  "cookie.test": {
    policy: { loadBalancer: { consistentHash: { httpCookie: { name: "who", path: "/", ttl: "60s" } } } },
  },
  "source.test": { policy: { loadBalancer: { consistentHash: { useSourceIp: true } } } },
  "retry.test": {
    http: [
      {
        match: [{ uri: { prefix: "/status" } }],
        retries: { attempts: 3, retryOn: "503,retriable-status-codes", backoff: "1ms" },
        route: [to("retry.test", "flaky")],
      },
      {
        match: [{ uri: { prefix: "/slow" } }],
        retries: { attempts: 2, perTryTimeout: "0.4s", retryOn: "reset", backoff: "1ms" },
        timeout: "5s",
        route: [to("retry.test", "flaky")],
      },
      { match: [{ uri: { prefix: "/never" } }], retries: { attempts: 0 }, route: [to("retry.test", "flaky")] },
      { timeout: "0.1s", retries: { attempts: 0 }, route: [to("retry.test", "flaky")] },
    ],
    versions: ["flaky"],
  },
  "headers.test": {
    http: [
      {
        headers: {
          request: { set: { "x-a": "set", host: "asked.test" }, add: { "x-b": "added" }, remove: ["x-c"] },
          response: { set: { "x-by": "rule" }, add: { "x-more": "%RESPONSE_CODE%" } },
        },
        route: [to("headers.test", "v1")],
      },
    ],
  },
  "private.test": { exportTo: ["."] },
};

const ADDRESSES: Readonly<Record<string, string>> = {
  v1: `${NET}.11`,
  v2: `${NET}.12`,
  v3: `${NET}.13`,
  "shadow-a": `${NET}.14`,
  "shadow-b": `${NET}.15`,
  flaky: `${NET}.16`,
};

function mesh(): string {
  const documents = Object.entries(HOSTS).flatMap(([host, { http, more, policy, versions = VERSIONS, exportTo }]) => {
    const name = host.replaceAll(".", "-");
    const ports = [PORT, OTHER_PORT].map((number) => ({
      number,
      name: `http-${number}`,
      protocol: "HTTP",
      targetPort: PORT,
    }));
    const endpoints = versions.map((version) => ({ address: ADDRESSES[version], labels: { version } }));
    const spec = { hosts: [host], ports, resolution: "STATIC", endpoints, ...(exportTo ? { exportTo } : {}) };
    const subsets = versions.map((version) => ({ name: version, labels: { version } }));
    return [
      object("ServiceEntry", name, spec),
      object("DestinationRule", name, { host, subsets, ...(policy ? { trafficPolicy: policy } : {}) }),
      ...(http ? [object("VirtualService", name, { hosts: [host], ...more, http })] : []),
    ];
  });
  const team = [
    { match: [{ uri: { prefix: "/team/red" } }], route: [to("root.test", "v3")] },
    { route: [to("root.test", "v2")] },
  ];
  const servers = [
    { port: { number: PORT, name: "http", protocol: "HTTP" }, bind: PROXIES.gate.address, hosts: ["*"] },
  ];
  const sidecar = (name: "client" | "other") => {
    const egress = [PORT, OTHER_PORT].map((number) => ({
      port: { number, name: `http-${number}`, protocol: "HTTP" },
      bind: PROXIES[name].address,
      captureMode: "NONE",
      hosts: ["*/*"],
    }));
    const namespace = name === "other" ? "far" : "default";
    return object("Sidecar", "default", { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" }, egress }, { namespace });
  };
  return [
    ...documents,
    object("VirtualService", "team", { http: team }, { namespace: "far" }),
    object("Gateway", "gate", { selector: { app: "gate" }, servers }),
    sidecar("client"),
    sidecar("other"),
  ].join("---\n");
}

describe("routes of VirtualServices in real Envoys", () => {
  const stack = new AsyncDisposableStack();
  const programs = new Map<string, Counted>();
  let proxied: Proxied<Name>;
  /** How often the flaky program was asked for a path. */
  const seen = new Map<string, number>();

  beforeAll(async () => {
    for (const [name, address] of Object.entries(ADDRESSES)) {
      const program = await startEcho(name, `${address}:${PORT}`, ({ path }) => {
        if (name !== "flaky") return undefined;
        const count = (seen.get(path) ?? 0) + 1;
        seen.set(path, count);
        if (path.startsWith("/status") || path.startsWith("/never")) return { status: count <= 2 ? 503 : 200 };
        return { after: count <= 1 ? 1500 : 0 };
      });
      programs.set(name, stack.use(program));
    }
    proxied = stack.use(await startProxied({ net: NET, files: { "mesh.yaml": mesh() }, proxies: PROXIES }));
  });
  afterAll(() => stack.disposeAsync());

  const call = (host: string, asked: Asked = {}, from: Name = "client", port = PORT) =>
    ask(`${PROXIES[from].address}:${port}`, host, asked);
  const version = async (...args: Parameters<typeof call>) => (await call(...args)).got?.by;
  const within = (counts: Readonly<Record<string, number>>, shares: Readonly<Record<string, number>>) => {
    for (const [name, share] of Object.entries(shares))
      expect(
        Math.abs((counts[name] ?? 0) - REQUESTS * share),
        `${name}: ${JSON.stringify(counts)}`,
      ).toBeLessThanOrEqual(bound(REQUESTS, share));
  };

  it("who asks: labels, namespace, gateway, port", async () => {
    expect([await version("labels.test"), await version("labels.test", {}, "other")]).toEqual(["v2", "v1"]);
    expect([await version("namespace.test"), await version("namespace.test", {}, "other")]).toEqual(["v1", "v3"]);
    expect([await version("gateways.test"), await version("gateways.test", {}, "gate")]).toEqual(["v1", "v2"]);
    expect([await version("port.test"), await version("port.test", {}, "client", OTHER_PORT)]).toEqual(["v1", "v2"]);
  });

  it.each<[string, Asked, number, string?]>([
    ["a header, and another that is absent", { headers: { "x-a": "1" } }, 201],
    ["a header of another value than the absent one", { headers: { "x-a": "1", "x-no": "no" } }, 201],
    ["a header that must be absent", { headers: { "x-a": "1", "x-no": "yes" } }, 404],
    ["two query parameters", { path: "/?p=1&q=vvv" }, 202],
    ["one query parameter of two", { path: "/?q=vvv" }, 404],
    ["a path in another case", { path: "/cASE" }, 203],
    ["method and scheme", { method: "PUT" }, 205],
    ["the authority", {}, 206, `without.test:${PORT}`],
  ])("matches %s", async (_, asked, status, host = "without.test") => {
    expect((await call(host, asked)).status).toBe(status);
  });

  it("counts what a match has a prefix for", async () => {
    for (let index = 0; index < 3; index++) await call("stat.test", { path: "/counted" });
    const counted = await proxied.statistics("client", /route\.counted\.upstream_rq_(completed|200)$/);
    expect(Object.values(counted)).toEqual([3, 3]);
  });

  it("rewrites and redirects", async () => {
    expect((await call("rewrite.test", { path: "/regex/a/b/c?q" })).got?.path).toBe("/b/c/a?q");
    const { got } = await call("rewrite.test", { path: "/old/x?q" });
    expect([got?.path, got?.headers.host]).toEqual(["/new/x?q", "else.test"]);
    const { status, headers } = await call("rewrite.test", { path: "/x" });
    expect([status, headers.location]).toEqual([308, "https://else.test:444/there"]);
  });

  // One honest run in a thousand is outside for each share; two in a row are not believed.
  it("splits by weight, each part with its headers", { retry: 1 }, async () => {
    const counts = await tally(REQUESTS, async (agent) => {
      const { got, headers } = await call("weights.test", { agent });
      return `${got?.by} ${got?.headers["x-share"] ?? headers["x-share"]}`;
    });
    within(counts, { "v1 60": 0.6, "v2 30": 0.3, "v3 undefined": 0.1 });
  });

  it("delays and aborts the given parts", { retry: 1 }, async () => {
    const injected = async () =>
      Object.values(await proxied.statistics("client", /\.fault\.delays_injected$/)).reduce((sum, one) => sum + one, 0);
    const before = await injected();
    const delays = await tally(
      REQUESTS,
      async (agent) => {
        const start = performance.now();
        await call("delay.test", { agent });
        // 400 ms from the time that Envoy's event loop had read last.
        return performance.now() - start >= 350 ? "late" : "soon";
      },
      60,
    );
    const delayed = (await injected()) - before;
    within({ delayed }, { delayed: 0.2 });
    expect(delays.late).toBeGreaterThanOrEqual(delayed);
    within(await tally(REQUESTS, async (agent) => String((await call("abort.test", { agent })).status)), {
      418: 0.3,
      200: 0.7,
    });
    const { status, headers } = await call("grpc-abort.test", { headers: { "content-type": "application/grpc" } });
    expect([status, headers["grpc-status"]]).toEqual([200, "14"]);
  });

  it("mirrors the given parts to each mirror", { retry: 1 }, async () => {
    const mirrors = ["shadow-a", "shadow-b"].map((name) => programs.get(name));
    for (const one of mirrors) if (one) one.hits = 0;
    const answers = await tally(REQUESTS, async (agent) => (await call("mirror.test", { agent })).got?.by ?? "");
    expect(answers).toEqual({ v1: REQUESTS });
    // Nobody waits for what is mirrored.
    let before: number;
    do {
      before = mirrors.reduce((sum, one) => sum + (one?.hits ?? 0), 0);
      await new Promise((resolve) => setTimeout(resolve, 200));
    } while (before !== mirrors.reduce((sum, one) => sum + (one?.hits ?? 0), 0));
    within({ a: mirrors[0]?.hits ?? 0, b: mirrors[1]?.hits ?? 0 }, { a: 0.25, b: 0.6 });
  });

  it("answers preflights for the origins, methods and headers that are allowed", async () => {
    const preflight = (origin: string, path = "/") =>
      call("cors.test", { method: "OPTIONS", path, headers: { origin, "access-control-request-method": "PUT" } });
    const allowed = await preflight("http://a.good.test");
    expect(allowed.status).toBe(200);
    expect(allowed.got).toBeUndefined();
    expect(allowed.headers).toMatchObject({
      "access-control-allow-origin": "http://a.good.test",
      "access-control-allow-methods": "GET,PUT",
      "access-control-allow-headers": "x-a",
      "access-control-max-age": "60",
      "access-control-allow-credentials": "true",
    });
    // What no origin matches is forwarded, without a word of leave.
    const other = await preflight("http://bad.test");
    expect(other.headers["access-control-allow-origin"]).toBeUndefined();
    const ignored = await preflight("http://bad.test", "/ignore");
    expect([ignored.status, ignored.got]).toEqual([200, undefined]);
    const asked = await call("cors.test", { headers: { origin: "http://good.test" } });
    expect(asked.headers).toMatchObject({
      "access-control-allow-origin": "http://good.test",
      "access-control-expose-headers": "x-by",
    });
  });

  it("delegates to another namespace's rules", async () => {
    const paths = ["/", "/team", "/team/red"];
    expect(await Promise.all(paths.map((path) => version("root.test", { path })))).toEqual(["v1", "v2", "v3"]);
  });

  it.each<[string, string, (user: string) => Asked]>([
    ["a header, by a ring", "ring.test", (user) => ({ headers: { "x-user": user } })],
    ["a query parameter, by maglev", "maglev.test", (user) => ({ path: `/?user=${user}` })],
    ["a cookie, by a ring", "cookie.test", (user) => ({ headers: { cookie: `a=b; who=${user}` } })],
    [
      "the address of the client, by a ring",
      "source.test",
      (user) => ({ localAddress: `${NET}.${100 + Number(user)}` }),
    ],
  ])("hashes %s", async (_, host, as) => {
    const chosen = new Set<string | undefined>();
    for (let user = 0; user < 40; user++) {
      const first = await version(host, as(String(user)));
      for (let again = 0; again < 3; again++) expect(await version(host, as(String(user)))).toBe(first);
      chosen.add(first);
    }
    expect([...chosen].sort()).toEqual(["v1", "v2", "v3"]);
  });

  it("makes rings and tables of the size that is asked for, and cookies where there are none", async () => {
    const cluster = (host: string) => `cluster\\.outbound\\|${PORT}\\|\\|${host.replace(".", "\\.")};?\\.`;
    const ring = await proxied.statistics("client", new RegExp(`${cluster("ring.test")}ring_hash_lb\\.size$`));
    expect(Object.values(ring)[0]).toBeGreaterThanOrEqual(2048);
    const table = await proxied.statistics("client", new RegExp(`${cluster("maglev.test")}maglev_lb\\.max_entries`));
    expect(Object.values(table)[0]).toBeLessThanOrEqual(Math.ceil(251 / 3));
    const { got, headers } = await call("cookie.test");
    const [cookie = ""] = headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^who="?[0-9a-f]+"?; Max-Age=60; Path=\/; HttpOnly$/);
    const [pair = ""] = cookie.split(";");
    for (let again = 0; again < 5; again++)
      expect(await version("cookie.test", { headers: { cookie: pair.replaceAll('"', "") } })).toBe(got?.by);
  });

  it("retries by status and by time, and gives up in time", async () => {
    expect((await call("retry.test", { path: "/status" })).status).toBe(200);
    expect(seen.get("/status")).toBe(3);
    expect((await call("retry.test", { path: "/never" })).status).toBe(503);
    expect((await call("retry.test", { path: "/slow" })).status).toBe(200);
    expect(seen.get("/slow")).toBe(2);
    expect((await call("retry.test", { path: "/late" })).status).toBe(504);
  });

  it("changes headers of requests and responses", async () => {
    const { got, headers } = await call("headers.test", { headers: { "x-a": "1", "x-b": "1", "x-c": "1" } });
    expect(got?.headers).toMatchObject({ "x-a": "set", "x-b": "1, added", host: "asked.test" });
    expect(got?.headers["x-c"]).toBeUndefined();
    expect([headers["x-by"], headers["x-more"]]).toEqual(["rule", "200"]);
  });

  it("knows hosts with their port, and none that are exported to others or to nobody", async () => {
    expect(await version(`stat.test:${PORT}`, { path: "/counted" })).toBe("v1");
    expect([await version("private.test"), (await call("private.test", {}, "other")).status]).toEqual([
      expect.stringMatching(/^v[123]$/),
      502,
    ]);
    expect((await call("nobody.test")).status).toBe(502);
    expect((await call("stat.test", { path: "/uncounted" })).status).toBe(404);
  });
});
