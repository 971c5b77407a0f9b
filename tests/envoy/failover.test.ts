import { Agent, createServer, request as httpRequest, type Server } from "node:http";
import { type TextStore, textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { parseNode } from "@fairlead/model";
import { type FailoverEvent, failover, meshFromYaml, type Timeline } from "@fairlead/simulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EnvoyProcess, startEnvoy } from "../support/envoy-process.ts";

/**
 * The virtual clock beside a real Envoy: the same endpoints fail in both, and what becomes of paced requests is compared. Chance
 * picks endpoints in Envoy, so shares are compared within a few standard deviations.
 */
const NET = "127.0.64";
const PORT = 29_180;
const BACKEND_PORT = 29_190;

interface Scenario {
  /** Of the DestinationRule. */
  readonly policy: object;
  /** Of the VirtualService's rule. */
  readonly route?: object;
  /** Zone of each endpoint: `west/a`. */
  readonly zones: readonly string[];
  readonly events: readonly Omit<FailoverEvent, "at">[];
  readonly requests: number;
  readonly perSecond: number;
  /** Requests that are left out at the beginning. */
  readonly settle: number;
}

const address = (index: number) => `${NET}.${10 + index}`;

/** `run` makes the cluster another one, so that no ejection is left from before. */
const texts = ({ policy, route, zones }: Scenario, run: number) => {
  const { connectionPool, ...rest } = policy as { connectionPool?: { tcp?: object } };
  const tcp = { ...connectionPool?.tcp, connectTimeout: `${1000 + run}ms` };
  const object = (kind: string, name: string, spec: object) =>
    JSON.stringify({ apiVersion: "networking.istio.io/v1", kind, metadata: { name }, spec });
  return {
    "service.yaml": object("ServiceEntry", "stock", {
      hosts: ["stock.test"],
      addresses: ["10.1.0.9"],
      location: "MESH_EXTERNAL",
      resolution: "STATIC",
      ports: [{ name: "http", number: PORT, protocol: "HTTP", targetPort: BACKEND_PORT }],
      endpoints: zones.map((locality, index) => ({ address: address(index), locality })),
    }),
    "rule.yaml": object("DestinationRule", "stock", {
      host: "stock.test",
      trafficPolicy: { ...rest, connectionPool: { ...connectionPool, tcp } },
    }),
    "routes.yaml": object("VirtualService", "stock", {
      hosts: ["stock.test"],
      http: [{ route: [{ destination: { host: "stock.test" } }], ...route }],
    }),
    "sidecar.yaml": object("Sidecar", "default", {
      egress: [
        {
          port: { number: PORT, name: "http", protocol: "HTTP" },
          bind: `${NET}.3`,
          captureMode: "NONE",
          hosts: ["*/*"],
        },
      ],
    }),
  };
};

const NODE = {
  id: `sidecar~${NET}.3~client.default~default.svc.cluster.local`,
  metadata: { NAMESPACE: "default", INTERCEPTION_MODE: "NONE" as const, LABELS: { app: "client" } },
  locality: { region: "west", zone: "a" },
};

/** Backends of which each can fail, be slow, or refuse connections. */
class Backends {
  readonly hits = new Map<string, number>();
  readonly #servers = new Map<string, Server>();
  readonly #fates = new Map<string, Omit<FailoverEvent, "at">>();

  async start(count: number): Promise<void> {
    for (let index = 0; index < count; index++) await this.#listen(address(index));
  }

  async befall(hosts: readonly string[], event: Omit<FailoverEvent, "at">): Promise<void> {
    for (const host of hosts) {
      this.#fates.set(host, event);
      if (event.is === "unreachable") await this.#close(host);
    }
  }

  async reset(): Promise<void> {
    this.#fates.clear();
    this.hits.clear();
    for (const [host, server] of this.#servers) if (!server.listening) await this.#listen(host);
  }

  async close(): Promise<void> {
    for (const host of this.#servers.keys()) await this.#close(host);
  }

  #close(host: string): Promise<void> {
    const server = this.#servers.get(host);
    server?.closeAllConnections();
    return new Promise((resolve) => (server?.listening ? server.close(() => resolve()) : resolve()));
  }

  #listen(host: string): Promise<void> {
    const server = createServer((_, response) => {
      this.hits.set(host, (this.hits.get(host) ?? 0) + 1);
      const { is, status = 503, latency = "0s" } = this.#fates.get(host) ?? {};
      const answer = () => response.writeHead(is === "failing" ? status : 200, { "x-by": host }).end();
      if (is === "slow") setTimeout(answer, Number.parseFloat(latency) * 1000);
      else answer();
    });
    this.#servers.set(host, server);
    return new Promise((resolve, reject) => server.once("error", reject).listen(BACKEND_PORT, host, resolve));
  }
}

const agent = new Agent({ keepAlive: true, maxSockets: 200 });
const ask = () =>
  new Promise<{ status: number; by: string }>((resolve, reject) => {
    httpRequest({ agent, host: `${NET}.3`, port: PORT, headers: { host: "stock.test" } }, (response) => {
      response
        .resume()
        .on("end", () => resolve({ status: response.statusCode ?? 0, by: String(response.headers["x-by"]) }));
    })
      .on("error", reject)
      .end();
  });

// A machine that stalls upsets what is paced: chance and stalls are given another try.
describe("failover, in a real Envoy and on the virtual clock", { retry: 2 }, () => {
  const backends = new Backends();
  let store: TextStore;
  let plane: Awaited<ReturnType<typeof createControlPlane>>;
  let envoy: EnvoyProcess;
  let runs = 0;

  beforeAll(async () => {
    await backends.start(4);
    store = textStore({});
    plane = await createControlPlane({ config: store, server: { timing: { drain: 0 } } });
    const { ads } = await plane.listen({ ads: `${NET}.1:0` });
    envoy = await startEnvoy({ node: NODE, ads, adsSecurity: "plaintext", admin: `${NET}.3:15000` });
    await envoy.ready();
  });
  afterAll(async () => {
    agent.destroy();
    await envoy?.close();
    await plane?.[Symbol.asyncDispose]();
    await backends.close();
  });

  /** Runs a scenario in both. Shares and rates of the observed are of the requests after `settle`. */
  async function run(scenario: Scenario) {
    runs += 1;
    const files = texts(scenario, runs);
    await backends.reset();
    store.set(files);
    await plane.converged();
    for (const end = Date.now() + 10_000; (await ask()).status !== 200; )
      if (Date.now() > end) throw new Error("the routes are not there");
    const zones = scenario.zones.map((zone, index) => [address(index), zone] as const);
    for (const event of scenario.events) {
      const meant = zones.filter(([host, zone]) => event.endpoint === host || event.zone === zone.split("/")[1]);
      await backends.befall(
        meant.map(([host]) => host),
        event,
      );
    }
    const answers: { status: number; by: string; at: number }[] = [];
    const began = Date.now();
    let hitsBefore = 0;
    const pending: Promise<void>[] = [];
    for (let index = 0; index < scenario.requests; index++) {
      const wait = began + (index * 1000) / scenario.perSecond - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (index === scenario.settle) hitsBefore = [...backends.hits.values()].reduce((sum, one) => sum + one, 0);
      pending.push(
        ask().then((answer) => {
          answers[index] = { ...answer, at: Date.now() - began };
        }),
      );
    }
    await Promise.all(pending);
    const counted = answers.slice(scenario.settle);
    const hits = [...backends.hits.values()].reduce((sum, one) => sum + one, 0) - hitsBefore;
    const { mesh } = meshFromYaml(Object.entries(files).map(([file, text]) => ({ file, text })));
    const node = plane.proxies()[0]?.node;
    const timeline: Timeline = failover(mesh, {
      from: parseNode(node ?? {}).node ?? "client.default",
      request: { url: `http://stock.test:${PORT}/` },
      at: `${NET}.3:${PORT}`,
      requestsPerSecond: scenario.perSecond,
      events: scenario.events.map((event) => ({ at: "0s", ...event })),
      until: "300s",
    });
    const settled = timeline.at(`${scenario.settle / scenario.perSecond}s`);
    const failed = counted.filter(({ status }) => status >= 500).length / counted.length;
    const share = (host: string) =>
      counted.filter(({ by, status }) => by === host && status === 200).length / counted.length;
    const endpoint = (host: string) =>
      settled.destinations[0]?.endpoints.find((one) => one.address.startsWith(`${host}:`))?.share ?? 0;
    return { timeline, settled, failed, share, endpoint, retries: hits / counted.length - 1, answers };
  }

  const four = ["west/a", "west/a", "west/a", "west/a"];
  const even = { loadBalancer: { simple: "RANDOM", localityLbSetting: { enabled: false } } };

  it("retries go elsewhere: of requests that meet two failing endpoints of four, one in six fails in the end", async () => {
    const route = { retries: { attempts: 1, retryOn: "503" } };
    const events = [0, 1].map((index) => ({ endpoint: address(index), is: "failing" as const }));
    const { settled, failed, retries } = await run({
      policy: even,
      route,
      zones: four,
      events,
      requests: 900,
      perSecond: 300,
      settle: 0,
    });
    expect(settled.failed).toBeCloseTo(1 / 6, 6);
    expect(settled.failedAtFirst).toBeCloseTo(0.5, 6);
    console.log(`retries: ${(failed * 100).toFixed(1)} % failed in Envoy, ${retries.toFixed(2)} retries a request`);
    expect(Math.abs(failed - settled.failed)).toBeLessThan(0.05);
    expect(Math.abs(retries - (settled.destinations[0]?.retries ?? 0))).toBeLessThan(0.08);
  });

  it("an endpoint is ejected after so many failures, and nothing fails from then on", async () => {
    const policy = {
      ...even,
      loadBalancer: { ...even.loadBalancer, simple: "ROUND_ROBIN" },
      outlierDetection: { consecutive5xxErrors: 5, interval: "10s", baseEjectionTime: "60s", maxEjectionPercent: 100 },
    };
    const events = [{ endpoint: address(0), is: "failing" as const }];
    const { timeline, answers } = await run({ policy, zones: four, events, requests: 200, perSecond: 50, settle: 100 });
    const predicted = timeline.when({ endpoint: address(0) }, 0) ?? Number.NaN;
    const failures = answers.filter(({ status }) => status >= 500);
    const last = failures.at(-1)?.at ?? Number.NaN;
    console.log(
      `ejection: predicted at ${predicted} ms, the last of ${failures.length} failures at ${last} ms in Envoy`,
    );
    expect(failures.length).toBeGreaterThanOrEqual(5);
    expect(failures.length).toBeLessThanOrEqual(6);
    expect(Math.abs(last - predicted)).toBeLessThan(400);
  });

  it("one of two near endpoints is enough for 70 %", async () => {
    const policy = {
      loadBalancer: { simple: "RANDOM" },
      outlierDetection: { consecutive5xxErrors: 3, interval: "60s", baseEjectionTime: "60s", maxEjectionPercent: 100 },
    };
    const zones = ["west/a", "west/a", "west/b", "west/b"];
    const events = [{ endpoint: address(0), is: "unreachable" as const }];
    const { settled, share, endpoint } = await run({
      policy,
      zones,
      events,
      requests: 900,
      perSecond: 300,
      settle: 100,
    });
    const near = share(address(1));
    console.log(`priorities: ${(near * 100).toFixed(1)} % near in Envoy`);
    expect(endpoint(address(1))).toBeCloseTo(0.7, 6);
    expect(settled.failed).toBe(0);
    expect(Math.abs(near - 0.7)).toBeLessThan(0.06);
  });

  it("panic: with three of four ejected, all are used again", async () => {
    const policy = {
      ...even,
      outlierDetection: {
        consecutive5xxErrors: 3,
        interval: "60s",
        baseEjectionTime: "60s",
        maxEjectionPercent: 100,
        minHealthPercent: 50,
      },
    };
    const events = [0, 1, 2].map((index) => ({ endpoint: address(index), is: "failing" as const }));
    // The second and third ejection reach the load balancer a second after the first: updates are merged.
    const { timeline, settled, failed, answers } = await run({
      policy,
      zones: four,
      events,
      requests: 1600,
      perSecond: 400,
      settle: 800,
    });
    const early = answers.slice(40, 360);
    const dodged = Math.min(...[0, 1, 2].map((index) => early.filter(({ by }) => by === address(index)).length));
    expect(dodged).toBe(0);
    expect(timeline.at("0.5s").destinations[0]?.panic).toEqual([]);
    console.log(`panic: ${(failed * 100).toFixed(1)} % failed in Envoy`);
    expect(settled.destinations[0]?.panic).toEqual([0]);
    expect(settled.failed).toBeCloseTo(0.75, 6);
    expect(Math.abs(failed - 0.75)).toBeLessThan(0.06);
  });

  it("circuit breakers turn away what the connections cannot serve: one to each endpoint, though two are the limit", async () => {
    const policy = {
      ...even,
      connectionPool: { tcp: { maxConnections: 2 }, http: { http1MaxPendingRequests: 3 } },
    };
    const route = { retries: { attempts: 0 } };
    const events = four.map((_, index) => ({ endpoint: address(index), is: "slow" as const, latency: "0.5s" }));
    const { timeline, settled, failed, answers } = await run({
      policy,
      route,
      zones: four,
      events,
      requests: 160,
      perSecond: 40,
      settle: 40,
    });
    const opens =
      timeline.moments.find(({ causes }) => causes.some((cause) => cause.includes("circuit breaker opens")))?.at ??
      Number.NaN;
    const first = answers.find(({ status }) => status === 503)?.at ?? Number.NaN;
    console.log(
      `circuit breaker: predicted at ${opens} ms, first 503 at ${first} ms; ${(failed * 100).toFixed(1)} % turned away in Envoy`,
    );
    expect(settled.destinations[0]?.overflow).toBeCloseTo(0.8, 6);
    expect(Math.abs(failed - 0.8)).toBeLessThan(0.08);
    expect(Math.abs(first - opens)).toBeLessThan(200);
  });
});
