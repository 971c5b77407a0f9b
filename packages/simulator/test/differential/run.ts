import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { echo, listenerOf, observed, predicted, randomRequest, type Seen } from "./compare.ts";
import { randomRbac } from "./policies.ts";
import { seededRandom } from "./random.ts";
import { randomRoutes } from "./routes.ts";

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
  const folder = await mkdtemp(join(tmpdir(), "differential-"));
  const config = join(folder, "envoy.json");
  await writeFile(
    config,
    JSON.stringify({
      admin: { address: { socketAddress: { address: "127.0.0.1", portValue: admin } } },
      staticResources: { listeners: cases.map(({ listener }) => listener), clusters: [cluster] },
    }),
  );
  const child = spawn(envoy, ["-c", config, "--disable-hot-restart", "--concurrency", "1", "--log-level", "error"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-20_000);
  });
  try {
    await ready(admin, () => (child.exitCode === null ? undefined : log));
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
    child.kill("SIGTERM");
    backend.close();
    backend.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
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

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createTcpServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function ready(admin: number, failure: () => string | undefined): Promise<void> {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    const failed = failure();
    if (failed !== undefined) throw new Error(`Envoy ended:\n${failed}`);
    const answer = await fetch(`http://127.0.0.1:${admin}/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("Envoy is not ready after 30 s");
}
