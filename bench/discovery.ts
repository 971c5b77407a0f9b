import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { writeMesh } from "./mesh-data.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");

/**
 * Measured beside: Istio's istiod (1.32 development) and go-control-plane 0.14, serving 500 clients on a machine like this
 * one (2 cores), cold. go-control-plane's payload is far smaller (483 kB against 3.8 MB a client).
 */
export const PEERS = {
  istiod: { cpu: 113.7, peak: 2325, change: 1.2 },
  "go-control-plane": { cpu: 2.75, peak: 394, change: 0.56 },
} as const;

export interface DiscoveryResult {
  readonly mode: "delta" | "sotw";
  readonly clients: number;
  readonly synced: number;
  /** Seconds of server CPU until all clients had everything. */
  readonly cpu: number;
  /** Resident memory, MiB: the highest during the run. */
  readonly peak: number;
  readonly wall: number;
  /** Milliseconds from an endpoint's change in a file to the ACK, all iterations. */
  readonly pushP50: number;
  readonly pushP99: number;
  /** Seconds of server CPU for one endpoint change, the median. */
  readonly pushCpu: number;
}

/** The load client (Go): boots like Envoy, ACKs, counts. Built once. */
async function loadClient(): Promise<string> {
  const binary = join(root, ".cache/adsload");
  const source = join(root, "../shared/bench/adsload");
  if (existsSync(binary)) return binary;
  if (!existsSync(source)) throw new Error("the load client's source (../shared/bench/adsload) is not here");
  console.error("building the load client (Go) …");
  await mkdir(join(root, ".cache"), { recursive: true });
  await run("go", ["build", "-o", binary, "."], { cwd: source, timeout: 600_000 });
  return binary;
}

async function startServer(folder: string, port: number): Promise<ChildProcess> {
  const main = join(root, "packages/cli/src/main.ts");
  const server = spawn(process.execPath, [main, "serve", "-f", folder, "--ads", `127.0.0.1:${port}`, "--insecure"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      text += chunk.toString("utf8");
      if (/serving/i.test(text)) resolve();
    };
    server.stdout?.on("data", look);
    server.stderr?.on("data", look);
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${text}`)));
  });
  return server;
}

/** Serves the mesh of `services` × 10 endpoints to `clients` and changes one endpoint `iterations` times. */
export async function measureDiscovery(options: {
  mode: "delta" | "sotw";
  clients: number;
  services?: number;
  iterations?: number;
  port: number;
}): Promise<DiscoveryResult> {
  const { mode, clients, services = 1000, iterations = 5, port } = options;
  const binary = await loadClient();
  const folder = await mkdtemp(join(tmpdir(), "discovery-"));
  try {
    const { trigger, template } = await writeMesh(join(folder, "mesh"), services, 10);
    const server = await startServer(join(folder, "mesh"), port);
    const report = join(folder, "report.json");
    try {
      await run(
        binary,
        [
          "-addr",
          `127.0.0.1:${port}`,
          "-n",
          String(clients),
          "-mode",
          mode,
          "-node-ns",
          "ns-0",
          "-server-pid",
          String(server.pid),
          "-trigger-template",
          template,
          "-trigger-out",
          trigger,
          "-iters",
          String(iterations),
          "-json",
          report,
        ],
        { timeout: 280_000, maxBuffer: 64 * 1024 * 1024 },
      );
    } finally {
      server.kill("SIGTERM");
    }
    const json = JSON.parse(await readFile(report, "utf8"));
    const cpus: number[] = (json.push_iterations ?? [])
      .map((one: { server_cpu_s: number }) => one.server_cpu_s)
      .sort((a: number, b: number) => a - b);
    return {
      mode,
      clients,
      synced: json.synced,
      cpu: json.server.cpu_sync_s,
      peak: json.server.rss_peak_mib,
      wall: json.sync_total_ms / 1000,
      pushP50: json.push_all_ms?.p50 ?? Number.NaN,
      pushP99: json.push_all_ms?.p99 ?? Number.NaN,
      pushCpu: cpus[Math.floor(cpus.length / 2)] ?? Number.NaN,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
