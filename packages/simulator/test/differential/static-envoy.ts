import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An Envoy with these resources, on loopback, when it is ready. Whoever starts it disposes of it. */
export async function startStatic(envoy: string, admin: number, staticResources: object): Promise<AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "differential-"));
  const config = join(folder, "envoy.json");
  const address = { socketAddress: { address: "127.0.0.1", portValue: admin } };
  await writeFile(config, JSON.stringify({ admin: { address }, staticResources }));
  const child = spawn(envoy, ["-c", config, "--disable-hot-restart", "--concurrency", "1", "--log-level", "error"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-20_000);
  });
  const end = async () => {
    child.kill("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(admin, () => (child.exitCode === null ? undefined : log));
  } catch (error) {
    await end();
    throw error;
  }
  return { [Symbol.asyncDispose]: end };
}

export async function freePorts(count: number): Promise<number[]> {
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
