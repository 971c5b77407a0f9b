import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { observedCluster, predictedCluster, randomChains, randomContact, startNamed } from "./chains.ts";
import { echo, listenerOf, observed, predicted, randomRequest, type Seen } from "./compare.ts";
import { randomRbac } from "./policies.ts";
import { seededRandom } from "./random.ts";
import { randomRoutes } from "./routes.ts";
import { freePorts, startStatic } from "./static-envoy.ts";

export interface Disagreement {
  readonly seed: number;
  readonly request: unknown;
  readonly predicted: Seen;
  readonly observed: Seen;
}

/** Runs random requests through a real Envoy and through the simulator. One Envoy serves all seeds, a listener each. */
export async function runDifferential(
  envoy: string,
  seeds: readonly number[],
  requests: number,
): Promise<{ readonly asked: number; readonly disagreements: readonly Disagreement[] }> {
  const backend = createServer((request, response) => {
    response.setHeader("x-echo", echo(request.url ?? "", request.headers));
    response.end();
  });
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  const ports = await freePorts(seeds.length + 1);
  const admin = ports.pop() ?? 0;
  const cases = seeds.map((seed, index) => {
    const port = ports[index] ?? 0;
    const random = seededRandom(seed);
    const options = random.pick([{}, { stripAnyHostPort: true }, { normalizePath: true, mergeSlashes: true }] as const);
    const upgrades = random.pick([
      {},
      { upgradeConfigs: [{ upgradeType: "websocket" }] },
      { upgradeConfigs: [{ upgradeType: "websocket" }, { upgradeType: "other", enabled: false }] },
    ]);
    return {
      seed,
      port,
      random,
      listener: listenerOf(
        `seed-${seed}`,
        port,
        randomRoutes(random),
        { ...options, ...upgrades },
        random.chance(0.4) ? randomRbac(random) : undefined,
      ),
    };
  });
  const { port: backendPort } = backend.address() as AddressInfo;
  const cluster = {
    name: "backend",
    type: "STATIC",
    connectTimeout: "1s",
    loadAssignment: {
      clusterName: "backend",
      endpoints: [
        {
          lbEndpoints: [{ endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: backendPort } } } }],
        },
      ],
    },
  };
  const listeners = cases.map(({ listener }) => listener);
  const started = await startStatic(envoy, admin, { listeners, clusters: [cluster] });
  try {
    const disagreements: Disagreement[] = [];
    let asked = 0;
    for (const { seed, port, random, listener } of cases)
      for (let count = 0; count < requests; count++) {
        const request = randomRequest(random);
        const [ours, real] = [predicted(listener, port, request), await observed(port, request)];
        asked++;
        if (JSON.stringify(sorted(ours)) !== JSON.stringify(sorted(real)))
          disagreements.push({ seed, request, predicted: ours, observed: real });
      }
    return { asked, disagreements };
  } finally {
    await started[Symbol.asyncDispose]();
    backend.close();
    backend.closeAllConnections();
  }
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, sorted(child)]),
  );
}

/** Runs random connections through random filter chains of a real Envoy and through the simulator. */
export async function runChains(
  envoy: string,
  seeds: readonly number[],
  connections: number,
): Promise<{ readonly asked: number; readonly taken: number; readonly disagreements: readonly object[] }> {
  const { clusters, close } = await startNamed();
  const ports = await freePorts(seeds.length + 1);
  const admin = ports.pop() ?? 0;
  const cases = seeds.map((seed, index) => {
    const [port, random] = [ports[index] ?? 0, seededRandom(seed)];
    return { seed, port, random, listener: randomChains(random, `seed-${seed}`, port) };
  });
  const started = await startStatic(envoy, admin, { listeners: cases.map(({ listener }) => listener), clusters });
  try {
    const disagreements: object[] = [];
    let asked = 0;
    let taken = 0;
    for (const { seed, port, random, listener } of cases)
      for (let count = 0; count < connections; count++) {
        const contact = randomContact(random);
        const [ours, real] = [predictedCluster(listener, port, contact), await observedCluster(port, contact)];
        asked++;
        if (real !== "") taken++;
        const matches = listener.filterChains?.map(({ filterChainMatch }) => filterChainMatch);
        if (ours !== real) disagreements.push({ seed, contact, predicted: ours, observed: real, matches });
      }
    return { asked, taken, disagreements };
  } finally {
    await started[Symbol.asyncDispose]();
    close();
  }
}
