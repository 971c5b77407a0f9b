import { execFile, spawn } from "node:child_process";
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
  /** How many clients accepted each endpoint change. */
  readonly acked: readonly number[];
}

export interface DiscoveryOptions {
  readonly mode: "delta" | "sotw";
  readonly clients: number;
  /** Default: 1,000. */
  readonly services?: number;
  /** Endpoint changes. Default: 5. */
  readonly iterations?: number;
  /** Options of the server's Node, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
}

/** Where the load client's source is: outside the repository. */
export const LOAD_CLIENT_SOURCE = join(root, "../shared/bench/adsload");

/** The load client (Go): boots like Envoy, ACKs, counts. Built once. */
async function loadClient(): Promise<string> {
  const binary = join(root, ".cache/adsload");
  if (existsSync(binary)) return binary;
  if (!existsSync(LOAD_CLIENT_SOURCE))
    throw new Error("the load client's source (../shared/bench/adsload) is not here");
  console.error("building the load client (Go) …");
  await mkdir(join(root, ".cache"), { recursive: true });
  await run("go", ["build", "-o", binary, "."], { cwd: LOAD_CLIENT_SOURCE, timeout: 600_000 });
  return binary;
}

interface RunningServer {
  readonly pid: number;
  readonly address: string;
  stop(): Promise<void>;
}

/** `fairlead serve` on a free port of the loopback, as a process of its own. */
async function startServer(folder: string, nodeOptions: readonly string[]): Promise<RunningServer> {
  const main = join(root, "packages/cli/src/main.ts");
  const words = [...nodeOptions, main, "serve", "-f", folder, "--ads", "127.0.0.1:0", "-o", "json"];
  const server = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  let [out, log] = ["", ""];
  server.stderr.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString("utf8")).slice(-10_000);
  });
  const address = await new Promise<string>((resolve, reject) => {
    server.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString("utf8");
      const found = /"ads": "([^"]+)"/.exec(out)?.[1];
      if (found) resolve(found);
    });
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${log}`)));
  });
  return {
    pid: server.pid ?? 0,
    address,
    async stop() {
      server.kill("SIGTERM");
      await ended;
    },
  };
}

/** Serves the mesh of `services` × 10 endpoints to `clients` and changes one endpoint `iterations` times. */
export async function measureDiscovery(options: DiscoveryOptions): Promise<DiscoveryResult> {
  const { mode, clients, services = 1000, iterations = 5, nodeOptions = [] } = options;
  const binary = await loadClient();
  const folder = await mkdtemp(join(tmpdir(), "discovery-"));
  try {
    const { trigger, template } = await writeMesh(join(folder, "mesh"), services, 10);
    const server = await startServer(join(folder, "mesh"), nodeOptions);
    const report = join(folder, "report.json");
    try {
      await run(
        binary,
        [
          "-addr",
          server.address,
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
      await server.stop();
    }
    const json = JSON.parse(await readFile(report, "utf8"));
    const pushes: readonly { readonly server_cpu_s: number; readonly acked: number }[] = json.push_iterations ?? [];
    const cpus = pushes.map((one) => one.server_cpu_s).sort((a, b) => a - b);
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
      acked: pushes.map((one) => one.acked),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
