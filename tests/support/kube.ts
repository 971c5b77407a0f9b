import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { customResourceDefinition, KINDS, type KindName } from "@fairlead/config";
import { type KubernetesClient, type KubernetesError, kubernetesClient, RESOURCES } from "@fairlead/kubernetes";
import { Etcd3 } from "etcd3";
import { type BigProgram, built, canBeBuilt } from "./built.ts";
import { freePorts, type ServerProcess, startServer } from "./server-process.ts";

const source = join(import.meta.dirname, "../real/kube");
const VERSION = "v1.37.2";

const [MAJOR = "", MINOR = ""] = VERSION.slice(1).split(".");
const STAMP = Object.entries({ gitVersion: VERSION, gitMajor: MAJOR, gitMinor: MINOR })
  .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
  .join(" ");

/** The real kube-apiserver (with etcd and the EndpointSlice controller, `tests/real/kube`). */
const KUBE: BigProgram = {
  name: "kube",
  title: `the Kubernetes API server ${VERSION}`,
  cost: "about 14 CPU-minutes",
  from: { text: VERSION, files: ["go.mod", "go.sum", "main.go"].map((file) => join(source, file)) },
  go: (path) => ({ args: ["build", "-trimpath", "-ldflags", `-s -w ${STAMP}`, "-o", path, "."], cwd: source }),
};

export const kubeBinary = (): Promise<string> => built(KUBE);

/** Whether the API server can be had here. */
export const hasKube = (what: string): Promise<boolean> => canBeBuilt(KUBE, what);

/** A real API server on 127.0.0.1, empty to begin with. Whoever started it closes it. */
export interface KubeServer {
  readonly url: string;
  /** The administrator's bearer token. */
  readonly token: string;
  /** PEM: what its serving certificate is checked against. */
  readonly ca: string;
  /** A client of the administrator; closed with the server. */
  readonly client: KubernetesClient;
  /** Ends the server and its etcd, and starts both again on what they had written. */
  restart(): Promise<void>;
  /** Makes its etcd forget all revisions but the newest, as the API server does every five minutes. */
  compact(): Promise<void>;
  /** Applies the CustomResourceDefinitions made from our schemas and waits until they are served. */
  installDefinitions(kinds?: readonly KindName[]): Promise<void>;
  /** One that is there already stays as it is. */
  createNamespace(name: string): Promise<void>;
  close(): Promise<void>;
}

export async function startKube(): Promise<KubeServer> {
  const binary = await kubeBinary();
  const folder = await mkdtemp(join(tmpdir(), "kube-"));
  const [port, etcdPort, peerPort] = await freePorts(3);
  const token = randomBytes(16).toString("hex");
  const url = `https://127.0.0.1:${port}`;
  const args = [
    ["--dir", folder],
    ["--port", `${port}`],
    ["--etcd-port", `${etcdPort}`],
    ["--etcd-peer-port", `${peerPort}`],
    ["--token", token],
  ].flat();
  const certificate = join(folder, "certs/apiserver.crt");
  const ready = async () => isReady(`${url}/readyz`, token, await readFile(certificate, "utf8"));
  const start = () => startServer(binary, args, ready, { timeoutMilliseconds: 120_000 });
  let server: ServerProcess = await start();
  const ca = await readFile(certificate, "utf8");
  const client = kubernetesClient({ server: url, token, ca });

  const served = async (kind: KindName) => {
    const { group, versions, plural } = KINDS[kind];
    const found = await Promise.all(versions.map((version) => client.resources(`${group}/${version}`)));
    return found.every((names) => names.includes(plural));
  };
  return {
    url,
    token,
    ca,
    client,
    async restart() {
      await server.end("SIGKILL");
      server = await start();
    },
    async compact() {
      const etcd = new Etcd3({ hosts: `http://127.0.0.1:${etcdPort}` });
      try {
        const { header } = await etcd.kv.range({ key: Buffer.from("/") });
        await etcd.kv.compact({ revision: header.revision, physical: true });
      } finally {
        etcd.close();
      }
    },
    async installDefinitions(kinds = Object.keys(KINDS) as KindName[]) {
      for (const kind of kinds)
        await client.create(RESOURCES.customResourceDefinitions, customResourceDefinition(kind));
      for (const kind of kinds) while (!(await served(kind))) await new Promise((resolve) => setTimeout(resolve, 50));
    },
    async createNamespace(name) {
      await client.create(RESOURCES.namespaces, { metadata: { name } }).catch((error: KubernetesError) => {
        if (error.code !== "already-exists") throw error;
      });
    },
    async close() {
      client.close();
      await server.end("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function isReady(url: string, token: string, ca: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const options = { ca, headers: { authorization: `Bearer ${token}` }, agent: false, timeout: 2_000 };
  const request = get(url, options, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  });
  request.on("timeout", () => request.destroy(new Error("no answer in 2 s")));
  request.on("error", reject);
  return promise;
}
