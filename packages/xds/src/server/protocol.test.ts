import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { settle } from "../../test/discovery-test-client.ts";
import { envoyModel } from "../../test/envoy-model.ts";
import { testClock } from "../../test/test-clock.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "../resource-type.ts";
import { createSnapshotSource, type Snapshot } from "../snapshot.ts";
import { createDiscoveryServer } from "./discovery-server.ts";

/** A state of the server: which clusters exist, in which version, and where routes lead. */
interface World {
  readonly clusters: readonly { readonly id: number; readonly version: number; readonly endpoints: number }[];
  readonly routes: readonly number[];
  readonly listeners: readonly number[];
}

const world: fc.Arbitrary<World> = fc.record({
  clusters: fc.uniqueArray(fc.record({ id: fc.nat(5), version: fc.nat(3), endpoints: fc.nat(3) }), {
    selector: ({ id }) => id,
    minLength: 1,
    maxLength: 5,
  }),
  routes: fc.array(fc.nat(20), { minLength: 3, maxLength: 3 }),
  listeners: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
});

function snapshot({ clusters, routes, listeners }: World): Snapshot {
  return {
    clusters: clusters.map(({ id, version }) => ({
      name: `c${id}`,
      type: "EDS",
      edsClusterConfig: { edsConfig: { ads: {} } },
      connectTimeout: `${version + 1}s`,
    })),
    endpoints: clusters.map(({ id, endpoints }) => ({
      clusterName: `c${id}`,
      policy: { overprovisioningFactor: endpoints + 1 },
    })),
    listeners: listeners.map((id) => ({ name: `l${id}`, statPrefix: `r${id}` })),
    routes: routes.map((to, id) => ({
      name: `r${id}`,
      virtualHosts: [
        {
          name: "v",
          domains: ["*"],
          routes: [{ match: { prefix: "/" }, route: { cluster: `c${clusters[to % clusters.length]?.id}` } }],
        },
      ],
    })),
  };
}

type Step =
  | { readonly kind: "change"; readonly world: World }
  | { readonly kind: "answer" | "reconnect" | "stall" | "drain" }
  | { readonly kind: "wait"; readonly milliseconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("change" as const), world }) },
  { weight: 10, arbitrary: fc.constant<Step>({ kind: "answer" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "reconnect" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "stall" }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: "drain" }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), milliseconds: fc.integer({ min: 1, max: 40_000 }) }),
  },
);

/** What a client should have of a snapshot. */
function expected({ clusters = [], endpoints = [], listeners = [], routes = [] }: Snapshot): Record<string, unknown> {
  const used = new Set(listeners.map(({ statPrefix }) => statPrefix));
  const byName = (list: readonly object[], field = "name") =>
    Object.fromEntries(list.map((json) => [(json as Record<string, string>)[field], json]));
  return {
    [CLUSTER_TYPE]: byName(clusters),
    [ENDPOINT_TYPE]: byName(endpoints, "clusterName"),
    [LISTENER_TYPE]: byName(listeners),
    [ROUTE_TYPE]: byName(routes.filter(({ name }) => used.has(name))),
  };
}

async function run(
  mode: "sotw" | "delta",
  first: World,
  steps: readonly Step[],
  poison: boolean,
  named = true,
): Promise<void> {
  const source = createSnapshotSource();
  const clock = testClock();
  const server = createDiscoveryServer(source, { clock });
  let current = snapshot(first);
  source.set("default", current);
  // Version 3 of any cluster is one that the proxy does not accept.
  const rejects = (typeUrl: string, { json }: { json: object }) =>
    poison && typeUrl === CLUSTER_TYPE && (json as { connectTimeout: string }).connectTimeout === "4s";
  const proxy = envoyModel(server, mode, rejects, () => named);
  const check = () => {
    if (!poison) expect(proxy.dangling()).toEqual([]);
    // One response of a type at a time, unless the answer is overdue.
    expect(proxy.waiting).toBeLessThanOrEqual(16);
  };
  for (const next of steps) {
    if (next.kind === "change") {
      current = snapshot(next.world);
      source.set("default", current);
    } else if (next.kind === "wait") clock.advance(next.milliseconds);
    else if (next.kind === "answer") proxy.step();
    else if (next.kind === "reconnect") proxy.reconnect();
    else if (next.kind === "stall") proxy.stall();
    else proxy.drain();
    await settle(3);
    check();
  }
  proxy.drain();
  const before = proxy.responses;
  for (let idle = 0; idle < 3; ) {
    await settle(4);
    if (proxy.step()) {
      idle = 0;
      check();
    } else {
      idle++;
      clock.advance(40_000);
    }
    expect(proxy.responses - before).toBeLessThan(120);
  }
  const has = Object.fromEntries([...proxy.has].map(([type, byName]) => [type, Object.fromEntries(byName)]));
  const goal = expected(current) as Record<string, Record<string, { connectTimeout?: string }>>;
  if (poison) {
    for (const [name, json] of Object.entries(goal[CLUSTER_TYPE] ?? {})) {
      if (json.connectTimeout === "4s") expect(has[CLUSTER_TYPE]?.[name]).not.toEqual(json);
      else expect(has[CLUSTER_TYPE]?.[name]).toEqual(json);
    }
    const leadsTo = (route: unknown) => JSON.stringify(route).match(/"cluster":"([^"]+)"/)?.[1] ?? "";
    const clusters = new Set(Object.keys(has[CLUSTER_TYPE] ?? {}));
    for (const [name, json] of Object.entries(goal[ROUTE_TYPE] ?? {})) {
      // A route to a cluster that was rejected and never had stays as it was, with the cluster it uses.
      if (clusters.has(leadsTo(json))) expect(has[ROUTE_TYPE]?.[name]).toEqual(json);
      else expect(goal[CLUSTER_TYPE]?.[leadsTo(json)]?.connectTimeout).toBe("4s");
    }
    const used = new Set(Object.values(has[ROUTE_TYPE] ?? {}).map(leadsTo));
    for (const name of clusters) if (!goal[CLUSTER_TYPE]?.[name]) expect([...used]).toContain(name);
  } else {
    expect(has).toEqual(goal);
    expect(server.clients()[0]?.types.every(({ synced }) => synced)).toBe(true);
  }
  const { bytesInFlight, bytesStalled, streams, streamsWaiting } = server.metrics();
  expect({ bytesInFlight, bytesStalled, streams, streamsWaiting }).toEqual({
    bytesInFlight: 0,
    bytesStalled: 0,
    streams: 1,
    streamsWaiting: 0,
  });
  await server.close();
}

describe.each(["sotw", "delta"] as const)("any sequence of events, %s", (mode) => {
  const steps = fc.array(step, { maxLength: 40 });

  it("ends with the client in the state of the server, and nothing ever dangling", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(world, steps, (first, list) => run(mode, first, list, false)),
      { numRuns: 100 },
    );
  });

  it.each([true, false])(
    "keeps out what the client rejects, whether it says what (%s) or not",
    { timeout: 60_000 },
    async (named) => {
      await fc.assert(
        fc.asyncProperty(world, steps, (first, list) => run(mode, first, list, true, named)),
        { numRuns: 60 },
      );
    },
  );
});
