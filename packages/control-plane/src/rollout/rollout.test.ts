import { type TextStore, textStore } from "@fairlead/config";
import { createDiscoveryClient, RESOURCE_TYPES } from "@fairlead/xds";
import { expect, it } from "vitest";
import { createControlPlane } from "../control-plane.ts";
import type { RolloutOptions, RolloutStatus } from "./rollout.ts";

const typeUrl = (shortName: string) => RESOURCE_TYPES.find((type) => type.shortName === shortName)?.typeUrl ?? "";
const CDS = typeUrl("CDS");
const EDS = typeUrl("EDS");

const entry = (name: string) => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}}
spec:
  hosts: [${name}.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 10.0.0.1}]
`;
const cluster = (name: string) => `outbound|80||${name}.example.com`;

interface Proxy extends Disposable {
  readonly clusters: () => readonly string[];
  /** Everything that it was ever sent. */
  readonly seen: ReadonlySet<string>;
  readonly endpoints: () => string;
}

function proxy(ads: string, name: string, labels: Record<string, string>, refuses = "nothing"): Proxy {
  const seen = new Set<string>();
  const client = createDiscoveryClient({
    address: ads,
    node: { id: `sidecar~10.9.0.1~${name}.default~default.svc.cluster.local`, metadata: { LABELS: labels } },
    subscriptions: { [CDS]: ["*"], [EDS]: [cluster("first")] },
    onResources({ resources }) {
      for (const resource of resources) seen.add(resource.name);
      return resources.some((resource) => resource.name === cluster(refuses)) ? `no ${refuses} here` : undefined;
    },
  });
  return {
    clusters: () => [...client.resources(CDS).keys()].filter((key) => key.includes("example.com")).sort(),
    seen,
    endpoints: () => JSON.stringify([...client.resources(EDS).values()].map(({ json }) => json)),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

/** A control plane with a proxy of the canaries and another, which both have the first configuration. */
async function served(rollout: Omit<RolloutOptions, "stages">, refuses?: string) {
  const store: TextStore = textStore({ first: entry("first") });
  const told: RolloutStatus[] = [];
  const plane = await createControlPlane({
    config: store,
    server: { timing: { drain: 0 } },
    rollout: { stages: [{ labels: { track: "canary" } }], onStatus: (status) => void told.push(status), ...rollout },
  });
  const { ads, http } = await plane.listen({ ads: "127.0.0.1:0", http: "127.0.0.1:0" });
  const canary = proxy(ads, "canary-1", { track: "canary" }, refuses);
  const other = proxy(ads, "other-1", {});
  await expect.poll(() => [canary.clusters(), other.clusters()]).toEqual([[cluster("first")], [cluster("first")]]);
  await plane.converged();
  const both = { first: entry("first"), second: entry("second") };
  return {
    store,
    both,
    told,
    plane,
    http,
    canary,
    other,
    async [Symbol.asyncDispose]() {
      canary[Symbol.dispose]();
      other[Symbol.dispose]();
      await plane.close();
    },
  };
}

it("new configuration goes to the proxies of a stage first, and to all when they took it and are well", async () => {
  const asked: unknown[] = [];
  const answers: ((isWell: boolean) => void)[] = [];
  await using world = await served({
    healthy(stage, proxies) {
      asked.push([stage, proxies.map(({ id }) => id?.split("~")[2])]);
      return new Promise((resolve) => answers.push(resolve));
    },
  });
  const { store, both, plane, canary, other, told, http } = world;
  expect(plane.rollout).toEqual({ phase: "done" });
  store.set(both);
  await expect.poll(() => canary.clusters()).toEqual([cluster("first"), cluster("second")]);
  await expect.poll(() => asked).toEqual([[0, ["canary-1.default"]]]);
  expect(other.clusters()).toEqual([cluster("first")]);
  expect(await (await fetch(`http://${http}/debug/rollout`)).json()).toEqual({
    phase: "rolling",
    stage: 0,
    proxies: 1,
  });
  answers[0]?.(true);
  await expect.poll(() => other.clusters()).toEqual([cluster("first"), cluster("second")]);
  await expect.poll(() => answers.length).toBe(2);
  answers[1]?.(true);
  await expect.poll(() => plane.rollout).toEqual({ phase: "done" });
  expect(told).toEqual([
    { phase: "rolling", stage: 0, proxies: 1 },
    { phase: "rolling", stage: 1, proxies: 2 },
    { phase: "done" },
  ]);
  store.set({ second: undefined });
  await expect.poll(() => canary.clusters()).toEqual([cluster("first")]);
  expect(other.clusters()).toEqual([cluster("first"), cluster("second")]);
});

it("what a proxy of a stage refuses is taken back, named, and never comes to others; the next change begins anew", async () => {
  await using world = await served({}, "second");
  const { store, both, plane, canary, other } = world;
  store.set(both);
  await expect
    .poll(() => plane.rollout)
    .toMatchObject({
      phase: "halted",
      stage: 0,
      reason: expect.stringMatching(/^sidecar~10\.9\.0\.1~canary-1.* refuses CDS: no second here$/),
      sources: [{ kind: "ServiceEntry", namespace: "default", name: "second" }],
    });
  await plane.converged();
  expect(canary.clusters()).toEqual([cluster("first")]);
  expect([...other.seen]).not.toContain(cluster("second"));

  store.set({ second: undefined, third: entry("third") });
  await expect.poll(() => other.clusters()).toEqual([cluster("first"), cluster("third")]);
  await expect.poll(() => plane.rollout).toEqual({ phase: "done" });
  expect(canary.clusters()).toEqual([cluster("first"), cluster("third")]);
});

it("what is not well is taken back, and endpoints do not wait for it", async () => {
  await using world = await served({ healthy: () => false });
  const { store, both, plane, canary, other } = world;
  store.set(both);
  await expect.poll(() => plane.rollout).toMatchObject({ phase: "halted", reason: "they are not healthy with it" });
  await expect.poll(() => canary.clusters()).toEqual([cluster("first")]);
  store.set({ ...both, first: entry("first").replace("10.0.0.1", "10.0.0.2") });
  await expect.poll(() => [canary.endpoints(), other.endpoints()].every((one) => one.includes("10.0.0.2"))).toBe(true);
  expect(other.clusters()).toEqual([cluster("first")]);
});

it("proxies that come are given what they are meant to have", async () => {
  await using world = await served({ healthy: () => new Promise(() => undefined) });
  const { store, both, plane, canary } = world;
  store.set(both);
  await expect.poll(() => canary.clusters()).toEqual([cluster("first"), cluster("second")]);
  const { ads } = await plane.listen({ ads: "127.0.0.1:0" });
  using late = proxy(ads, "canary-2", { track: "canary" });
  using stranger = proxy(ads, "other-2", {});
  await expect.poll(() => late.clusters()).toEqual([cluster("first"), cluster("second")]);
  await expect.poll(() => stranger.clusters()).toEqual([cluster("first")]);
});

it("proxies that do not take it in time halt it", async () => {
  await using world = await served({ timeout: 200 });
  const { store, plane, http } = world;
  const { ads } = await plane.listen({ ads: "127.0.0.1:0" });
  const taken: string[] = [];
  using _silent = createDiscoveryClient({
    address: ads,
    node: {
      id: "sidecar~10.9.0.1~canary-9.default~default.svc.cluster.local",
      metadata: { LABELS: { track: "canary" } },
    },
    subscriptions: { [CDS]: ["*"] },
    // It never says what it thinks of the second.
    onResources: ({ resources }) => {
      taken.push(...resources.map(({ name }) => name));
      return taken.includes(cluster("second")) ? new Promise<never>(() => undefined) : undefined;
    },
  });
  await expect.poll(() => taken).toContain(cluster("first"));
  await plane.converged();
  store.set({ first: entry("first"), second: entry("second") });
  await expect
    .poll(() => plane.rollout, { timeout: 5_000 })
    .toMatchObject({
      phase: "halted",
      reason: expect.stringContaining("1 proxies have not accepted it in time: sidecar~10.9.0.1~canary-9"),
    });
  expect((await (await fetch(`http://${http}/debug/rollout`)).json()) as object).toMatchObject({ stage: 0 });
});
