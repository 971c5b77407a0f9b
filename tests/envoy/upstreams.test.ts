// Longer than most files: a mesh in which every setting of upstreams has a host of its own, and what comes of each.
import { createServer } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bound } from "../../examples/demo/measure.ts";
import { type Asked, ask, type Counted, startEcho, tally } from "../support/echo.ts";
import { object, type Proxied, startProxied } from "../support/proxied.ts";

/** What the traffic policies of DestinationRules and the settings of services do with requests that go through a real Envoy. */

const NET = "127.0.71";
const PORT = 9080;
const REQUESTS = 1000;
const CLIENT = `${NET}.2`;
const PROXIES = {
  client: {
    address: CLIENT,
    labels: { app: "client", version: "v2" },
    locality: { region: "west", zone: "a", subZone: "1" },
    metadata: { NODE_NAME: "node-1" },
  },
};

/** Where programs are: `west/a/1` of the client first. */
const ZONES: Readonly<Record<string, string>> = {
  near: "west/a/1",
  next: "west/a/2",
  west: "west/b/1",
  east: "east/a/1",
  north: "north/a/1",
};
const NAMES = [...Object.keys(ZONES), "late"];
const addressOf = (name: string) => `${NET}.${11 + NAMES.indexOf(name)}`;

const locality = (localityLbSetting: object) => ({
  loadBalancer: { simple: "ROUND_ROBIN", localityLbSetting },
  outlierDetection: {},
});

interface Host {
  readonly policy?: object;
  readonly endpoints?: readonly string[];
  readonly labels?: (name: string) => object;
  readonly http?: object;
  readonly spec?: object;
}

const HOSTS: Readonly<Record<string, Host>> = {
  "turns.test": { policy: { loadBalancer: { simple: "ROUND_ROBIN" } }, endpoints: ["near", "west", "east"] },
  "chance.test": { policy: { loadBalancer: { simple: "RANDOM" } }, endpoints: ["near", "west"] },
  "least.test": { policy: { loadBalancer: { simple: "LEAST_REQUEST" } }, endpoints: ["near", "west"] },
  "weighed.test": {
    policy: { loadBalancer: { simple: "ROUND_ROBIN" } },
    spec: {
      endpoints: [
        { address: addressOf("near"), weight: 3 },
        { address: addressOf("west"), weight: 1 },
      ],
    },
  },
  "warm.test": {
    policy: { loadBalancer: { simple: "ROUND_ROBIN", warmup: { duration: "2s", minimumPercent: 10 } } },
    endpoints: ["near", "west"],
  },
  "distribute.test": {
    policy: locality({ distribute: [{ from: "west/a/*", to: { "west/a/*": 70, "west/b/*": 20, "east/*": 10 } }] }),
  },
  "failover.test": { policy: locality({ failover: [{ from: "west", to: "north" }] }), endpoints: ["east", "north"] },
  "near.test": { policy: locality({}) },
  "off.test": { policy: locality({ enabled: false }), endpoints: ["near", "east"] },
  "priority.test": {
    policy: locality({ failoverPriority: ["version"] }),
    endpoints: ["near", "east"],
    labels: (name) => ({ version: name === "east" ? "v2" : "v1" }),
  },
  "once.test": { policy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } }, endpoints: ["near"] },
  "thrice.test": { policy: { connectionPool: { http: { maxRequestsPerConnection: 3 } } }, endpoints: ["near"] },
  "idle.test": { policy: { connectionPool: { http: { idleTimeout: "0.6s" } } }, endpoints: ["near"] },
  "short.test": { policy: { connectionPool: { tcp: { maxConnectionDuration: "0.6s" } } }, endpoints: ["near"] },
  "pending.test": {
    policy: { connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } } },
    endpoints: ["near"],
    http: { retries: { attempts: 0 } },
  },
  "budget.test": {
    policy: { retryBudget: { percent: 1, minRetryConcurrency: 2, budgetInterval: "0.01s" } },
    endpoints: ["near"],
    http: { retries: { attempts: 1, retryOn: "5xx", backoff: "1ms" } },
  },
  "unlimited.test": {
    endpoints: ["near"],
    http: { retries: { attempts: 1, retryOn: "5xx", backoff: "1ms" } },
  },
  "upgraded.test": {
    policy: { connectionPool: { http: { h2UpgradePolicy: "UPGRADE" } } },
    spec: { endpoints: [{ address: `${NET}.30` }] },
  },
  "as-asked.test": { policy: { connectionPool: { http: { useClientProtocol: true } } }, endpoints: ["near"] },
  "port.test": {
    policy: {
      loadBalancer: { simple: "ROUND_ROBIN" },
      connectionPool: { http: { maxRequestsPerConnection: 1 } },
      portLevelSettings: [{ port: { number: PORT }, connectionPool: { http: { maxRequestsPerConnection: 3 } } }],
    },
    endpoints: ["near"],
  },
  // Names that the resolver knows without asking anybody.
  "strict.test": { spec: { resolution: "DNS", endpoints: [{ address: "localhost" }] } },
  "logical.test": { spec: { resolution: "DNS_ROUND_ROBIN", endpoints: [{ address: "localhost" }] } },
  "*.localhost": { spec: { resolution: "DYNAMIC_DNS", endpoints: undefined } },
};

/** A Service with an endpoint for each name; `conditions` are of its EndpointSlice's endpoints. */
function kubernetesService(
  name: string,
  spec: object,
  endpoints: readonly string[],
  conditions: (name: string) => object = () => ({ ready: true }),
  metadata: object = {},
): string {
  const port = { name: "http", port: PORT };
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "default", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [port],
    endpoints: endpoints.map((one, index) => ({
      addresses: [addressOf(one)],
      conditions: conditions(one),
      nodeName: `node-${index + 1}`,
      targetRef: { kind: "Pod", name: one, namespace: "default" },
    })),
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default", ...metadata },
    spec: { ports: [port], clusterIP: "10.9.9.9", ...spec },
  };
  return `${JSON.stringify(service)}\n---\n${JSON.stringify(slice)}\n`;
}

const node = (number: number, zone: string) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: `node-${number}`,
      labels: { "topology.kubernetes.io/region": "west", "topology.kubernetes.io/zone": zone },
    },
  });

const pod = (name: string, number: number) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default" },
    spec: { nodeName: `node-${number}` },
    status: { phase: "Running", podIP: addressOf(name), podIPs: [{ ip: addressOf(name) }] },
  });

function mesh(more: Readonly<Record<string, Host>> = {}): string {
  const documents = Object.entries({ ...HOSTS, ...more }).flatMap(([host, made]) => {
    const { policy, endpoints = Object.keys(ZONES), labels = () => ({}), http, spec } = made;
    const name = host.replaceAll(".", "-").replace("*", "any");
    return [
      object("ServiceEntry", name, {
        hosts: [host],
        ports: [{ number: PORT, name: "http", protocol: "HTTP" }],
        location: "MESH_EXTERNAL",
        resolution: "STATIC",
        endpoints: endpoints.map((one) => ({ address: addressOf(one), locality: ZONES[one], labels: labels(one) })),
        ...spec,
      }),
      ...(policy ? [object("DestinationRule", name, { host, trafficPolicy: policy })] : []),
      ...(http
        ? [object("VirtualService", name, { hosts: [host], http: [{ route: [{ destination: { host } }], ...http }] })]
        : []),
    ];
  });
  const port = { number: PORT, name: "http", protocol: "HTTP" };
  return [
    ...documents,
    object("Sidecar", "default", { egress: [{ port, bind: CLIENT, captureMode: "NONE", hosts: ["*/*"] }] }),
    node(1, "a"),
    node(2, "b"),
    pod("near", 1),
    pod("west", 2),
    kubernetesService("close", { trafficDistribution: "PreferClose" }, ["near", "west"]),
    kubernetesService("local", { internalTrafficPolicy: "Local" }, ["near", "west"]),
    kubernetesService("unready", {}, ["near", "west"], (one) => ({ ready: one === "west" })),
    kubernetesService(
      "drained",
      {},
      ["near", "west"],
      (one) => (one === "west" ? { ready: true } : { ready: false, serving: true, terminating: true }),
      { labels: { "istio.io/persistent-session": "sid" } },
    ),
    JSON.stringify({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "alias", namespace: "default" },
      spec: {
        type: "ExternalName",
        externalName: "turns.test",
        ports: [{ name: "http", port: PORT }],
      },
    }),
  ].join("\n---\n");
}

describe("upstreams of a real Envoy", () => {
  const stack = new AsyncDisposableStack();
  const programs = new Map<string, Counted>();
  let proxied: Proxied<"client">;

  beforeAll(async () => {
    for (const name of NAMES) {
      const program = await startEcho(name, `${addressOf(name)}:${PORT}`, ({ path }) => {
        if (path === "/failing") return { status: 503, after: 100 };
        return path === "/slow" ? { after: 300 } : undefined;
      });
      programs.set(name, stack.use(program));
    }
    stack.use(await startEcho("resolved", `127.0.0.1:${PORT}`));
    const second = createServer((request, response) =>
      response.writeHead(200, { "x-by": "second" }).end(JSON.stringify({ by: `HTTP/${request.httpVersion}` })),
    );
    await new Promise<void>((resolve) => second.listen(PORT, `${NET}.30`, resolve));
    stack.defer(() => void second.close());
    proxied = stack.use(await startProxied({ net: NET, files: { "mesh.yaml": mesh() }, proxies: PROXIES }));
  });
  afterAll(() => stack.disposeAsync());

  const call = (host: string, asked: Asked = {}) => ask(`${CLIENT}:${PORT}`, host, asked);
  const shares = (host: string, requests = REQUESTS, path = "/") =>
    tally(requests, async (agent) => {
      const { got, status } = await call(host, { agent, path });
      return got?.by ?? String(status);
    });
  const within = (counts: Readonly<Record<string, number>>, wanted: Readonly<Record<string, number>>) => {
    const total = Object.values(counts).reduce((sum, one) => sum + one, 0);
    expect(Object.keys(counts).sort()).toEqual(Object.keys(wanted).sort());
    for (const [name, share] of Object.entries(wanted))
      expect(Math.abs((counts[name] ?? 0) - total * share), `${name}: ${JSON.stringify(counts)}`).toBeLessThanOrEqual(
        bound(total, share),
      );
  };
  /** How many connections the proxy has made to a host so far. */
  const connections = async (host: string) => {
    const names = new RegExp(`^cluster\\.outbound\\|${PORT}\\|\\|${host.replace(".", "\\.")};?\\.upstream_cx_total$`);
    return Object.values(await proxied.statistics("client", names))[0];
  };

  // One honest run in a thousand is outside for each share; two in a row are not believed.
  it.each<[string, Readonly<Record<string, number>>]>([
    ["turns.test", { near: 1 / 3, west: 1 / 3, east: 1 / 3 }],
    ["chance.test", { near: 1 / 2, west: 1 / 2 }],
    ["least.test", { near: 1 / 2, west: 1 / 2 }],
    ["weighed.test", { near: 3 / 4, west: 1 / 4 }],
    ["distribute.test", { near: 0.35, next: 0.35, west: 0.2, east: 0.1 }],
    ["off.test", { near: 1 / 2, east: 1 / 2 }],
  ])("shares of %s", { retry: 1 }, async (host, wanted) => {
    within(await shares(host), wanted);
  });

  it.each([
    ["near.test", "the nearest"],
    ["failover.test", "the region to go to"],
    ["priority.test", "the same label"],
    ["close", "the same zone"],
    ["local", "the same node"],
    ["unready", "what is ready"],
    ["drained", "what is not on its way out"],
  ])("%s goes to %s only", async (host) => {
    const wanted = {
      "near.test": "near",
      "failover.test": "north",
      "priority.test": "east",
      close: "near",
      local: "near",
    };
    expect(await shares(host, 60)).toEqual({ [wanted[host as keyof typeof wanted] ?? "west"]: 60 });
  });

  it("another name leads to the same", async () => {
    expect(Object.keys(await shares("alias", 60)).sort()).toEqual(["east", "near", "west"]);
  });

  it("a session goes on with an endpoint that drains", async () => {
    const cookie = `sid="${Buffer.from(`${addressOf("near")}:${PORT}`).toString("base64")}"`;
    expect((await call("drained", { headers: { cookie } })).got?.by).toBe("near");
  });

  it("connections end after so many requests, when idle, and after their time", async () => {
    for (const [host, requests, wanted] of [
      ["once.test", 6, 6],
      ["thrice.test", 6, 2],
      ["port.test", 6, 2],
      ["as-asked.test", 6, 1],
    ] as const) {
      for (let index = 0; index < requests; index++) await call(host);
      expect(await connections(host), host).toBe(wanted);
    }
    for (const host of ["idle.test", "short.test"]) {
      for (let index = 0; index < 2; index++) {
        await call(host);
        await call(host);
        await new Promise((resolve) => setTimeout(resolve, 900));
      }
      expect(await connections(host), host).toBe(2);
    }
  });

  it("what the pool cannot take is turned away, and retries that the budget does not allow are not made", async () => {
    const all = await shares("pending.test", 20, "/slow");
    // One is asked, and one waits at most.
    expect([1, 2]).toContain(all.near);
    expect(all).toEqual({ near: all.near, 503: 20 - (all.near ?? 0) });
    const near = programs.get("near");
    const hits = async (host: string) => {
      if (near) near.hits = 0;
      await shares(host, 20, "/failing");
      return near?.hits;
    };
    expect(await hits("unlimited.test")).toBe(40);
    expect(await hits("budget.test")).toBeLessThanOrEqual(24);
    expect(await hits("budget.test")).toBeGreaterThan(20);
  });

  it("speaks HTTP/2 where that is asked for", async () => {
    expect((await call("upgraded.test")).got?.by).toBe("HTTP/2.0");
  });

  it.each(["strict.test", "logical.test", `some.localhost:${PORT}`])("resolves %s", async (host) => {
    expect((await call(host)).got?.by).toBe("resolved");
  });

  it("what is new is warmed up", async () => {
    // Whatever was there before this test or a try of it is warm then.
    proxied.store.set({ "mesh.yaml": mesh() });
    await expect.poll(() => shares("warm.test", 60), { interval: 20 }).not.toHaveProperty("late");
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const { "warm.test": warm = {} } = HOSTS;
    const more = { "warm.test": { ...warm, endpoints: ["near", "west", "late"] } };
    proxied.store.set({ "mesh.yaml": mesh(more) });
    await expect.poll(() => shares("warm.test", 60), { interval: 20 }).toHaveProperty("late");
    const { late = 0 } = await shares("warm.test", 300);
    expect(late).toBeLessThan(75);
    await new Promise((resolve) => setTimeout(resolve, 2200));
    expect((await shares("warm.test", 300)).late).toBeGreaterThan(85);
  });
});
