import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasDebianTool } from "./debian.ts";
import { freePorts, type ServerProcess, startServer } from "./server-process.ts";

/** A real etcd on 127.0.0.1, empty to begin with. Whoever started it closes it. */
export interface EtcdServer {
  readonly url: string;
  /** Ends it (as by a crash) and starts it again on what it had written. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Whether Debian's etcd is there; root installs it. */
export function hasEtcd(what: string): Promise<boolean> {
  return hasDebianTool("etcd", ["--version"], "etcd-server", what);
}

export async function startEtcd(): Promise<EtcdServer> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-"));
  const [clientPort, peerPort] = await freePorts(2);
  const url = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const args = [
    ["--data-dir", folder],
    ["--listen-client-urls", url],
    ["--advertise-client-urls", url],
    ["--listen-peer-urls", peer],
    ["--initial-advertise-peer-urls", peer],
    ["--initial-cluster", `default=${peer}`],
  ].flat();
  const start = () => startServer("etcd", args, async () => (await fetch(`${url}/health`)).ok);
  let server: ServerProcess = await start();
  return {
    url,
    async restart() {
      await server.end("SIGKILL");
      server = await start();
    },
    async close() {
      await server.end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
