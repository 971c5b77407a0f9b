import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeJson } from "@fairlead/model";
import { type BootstrapOptions, bootstrap } from "@fairlead/xds/translate";
import { envoyBinary } from "./envoy-binary.ts";

export interface EnvoyOptions extends BootstrapOptions {
  readonly node: NodeJson;
  /** `HOST:PORT` of the admin listener, or `unix:/path`. */
  readonly admin: string;
  readonly version?: string;
  /** Seconds given to connections when listeners drain. Default: 1. */
  readonly drainSeconds?: number;
  /** Words before Envoy's own command: another network namespace, another user, who may read the bootstrap then. */
  readonly within?: readonly string[];
  /** Changes the bootstrap before Envoy reads it. */
  readonly patch?: (bootstrap: Record<string, unknown>) => Record<string, unknown>;
}

/** A running Envoy. Whoever started it closes it. */
export interface EnvoyProcess extends AsyncDisposable {
  readonly pid: number;
  /** GET (or POST) on the admin interface. */
  admin(path: string, method?: "GET" | "POST"): Promise<{ readonly status: number; readonly body: string }>;
  /** Resolves when this Envoy (not another one at its admin address) says it is live: all initial resources are there. */
  ready(timeoutSeconds?: number): Promise<void>;
  /** What Envoy has written so far. */
  log(): string;
  close(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

function fetchAdmin(address: string, path: string, method: string): Promise<{ status: number; body: string }> {
  const colon = address.lastIndexOf(":");
  return new Promise((resolve, reject) => {
    const options = {
      ...(address.startsWith("unix:")
        ? { socketPath: address.slice("unix:".length) }
        : { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }),
      path,
      method,
      agent: false,
      timeout: 5000,
    };
    const call = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    call.on("timeout", () => call.destroy(new Error("no answer in 5 s")));
    call.on("error", reject);
    call.end();
  });
}

/** Starts an Envoy with our bootstrap. */
export async function startEnvoy(options: EnvoyOptions): Promise<EnvoyProcess> {
  const binary = await envoyBinary(options.version);
  const folder = await mkdtemp(join(tmpdir(), "envoy-"));
  const config = join(folder, "bootstrap.json");
  const made = bootstrap(options.node, options) as Record<string, unknown>;
  await writeFile(config, JSON.stringify(options.patch ? options.patch(made) : made));
  if (options.within) await chmod(folder, 0o755);
  const [command = binary, ...words] = [...(options.within ?? []), binary];
  const child = spawn(
    command,
    [
      ...words,
      "-c",
      config,
      "--disable-hot-restart",
      "--concurrency",
      "1",
      "--log-level",
      "warning",
      "--drain-time-s",
      String(options.drainSeconds ?? 1),
      "--parent-shutdown-time-s",
      "2",
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  running.add(child);
  let log = "";
  const keep = (chunk: Buffer) => {
    log = (log + chunk.toString("utf8")).slice(-200_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  void exited.then(() => running.delete(child));
  const admin: EnvoyProcess["admin"] = (path, method = "GET") => fetchAdmin(options.admin, path, method);
  /** The bootstrap of the Envoy that answers. Another run's may have the address; ours then ends and says so. */
  const answering = async () => {
    const { body } = await admin("/server_info");
    return (JSON.parse(body) as { command_line_options: { config_path: string } }).command_line_options.config_path;
  };
  const close = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 3000);
      await exited;
      clearTimeout(late);
    }
    await rm(folder, { recursive: true, force: true });
  };
  return {
    pid: child.pid ?? 0,
    admin,
    log: () => log,
    close,
    [Symbol.asyncDispose]: close,
    async ready(timeoutSeconds = 20) {
      const end = Date.now() + timeoutSeconds * 1000;
      for (;;) {
        if (child.exitCode !== null) throw new Error(`Envoy ${options.node.id} ended with ${child.exitCode}:\n${log}`);
        const answer = await admin("/ready").catch(() => undefined);
        if (answer?.status === 200 && (await answering().catch(() => undefined)) === config) return;
        if (Date.now() > end)
          throw new Error(
            `Envoy ${options.node.id} is not ready after ${timeoutSeconds} s (${answer?.body.trim() ?? "no admin"}):\n${log}`,
          );
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
  };
}
