import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";

/** A server in a process of its own. Whoever started it ends it. */
export interface ServerProcess {
  readonly pid: number;
  /** What it has written so far. */
  log(): string;
  /** Sends the signal (default: SIGTERM), after 5 s SIGKILL, and resolves when it has ended. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a program and waits until `ready` answers true; rejects with its output when it ends before or takes longer. */
export async function startServer(
  command: string,
  args: readonly string[],
  ready: () => Promise<boolean>,
  { timeoutMilliseconds = 60_000, env = process.env }: { timeoutMilliseconds?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<ServerProcess> {
  const child = spawn(command, [...args], { stdio: ["ignore", "pipe", "pipe"], env });
  running.add(child);
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (chunks.length > 2_000) chunks.splice(0, 1_000);
    });
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      chunks.push(Buffer.from(`${error.message}\n`));
      resolve();
    });
    child.once("exit", () => resolve());
  }).then(() => void running.delete(child));
  const log = () => Buffer.concat(chunks).toString("utf8");
  const server: ServerProcess = {
    pid: child.pid ?? -1,
    log,
    async end(signal = "SIGTERM") {
      if (!running.has(child)) return;
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(timer);
    },
  };
  const deadline = performance.now() + timeoutMilliseconds;
  while (!(await ready().catch(() => false))) {
    if (running.has(child) && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      continue;
    }
    const why = running.has(child) ? `was not ready after ${timeoutMilliseconds} ms` : "ended";
    await server.end("SIGKILL");
    throw new Error(`${command} ${why}:\n${log().slice(-4_000)}`);
  }
  return server;
}

/** Ports on 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
