import { X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, get, Agent as HttpAgent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Authority } from "@fairlead/ca";
import { type Agent, createAgent, inProcessClient } from "@fairlead/ca/agent";
import { type SpiffeId, workloadSpiffeId } from "@fairlead/model";
import { type EnvoyProcess, startEnvoy } from "./envoy-process.ts";

const TYPE = "type.googleapis.com/envoy.extensions";

export const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const addressOf = (address: string, portValue: number) => ({ socketAddress: { address, portValue } });

const endpoints = (clusterName: string, address: object) => ({
  clusterName,
  endpoints: [{ lbEndpoints: [{ endpoint: { address } }] }],
});

/** One hop: a listener that sends everything to one cluster, TLS on the side that is given. */
function hop(options: {
  readonly from: object;
  readonly to: object;
  readonly manager?: object;
  readonly tls: "server" | "client";
  readonly peer: SpiffeId;
  readonly apiType: "GRPC" | "DELTA_GRPC";
}): (bootstrap: Record<string, unknown>) => Record<string, unknown> {
  const { from, to, manager = {}, tls, peer, apiType } = options;
  const secret = (name: string) => ({
    name,
    sdsConfig: {
      resourceApiVersion: "V3",
      apiConfigSource: {
        apiType,
        transportApiVersion: "V3",
        grpcServices: [{ envoyGrpc: { clusterName: "sds-grpc" } }],
      },
    },
  });
  const socket = {
    name: "envoy.transport_sockets.tls",
    typedConfig: {
      "@type": `${TYPE}.transport_sockets.tls.v3.${tls === "server" ? "Downstream" : "Upstream"}TlsContext`,
      ...(tls === "server" ? { requireClientCertificate: true } : {}),
      commonTlsContext: {
        tlsCertificateSdsSecretConfigs: [secret("default")],
        combinedValidationContext: {
          defaultValidationContext: {
            matchTypedSubjectAltNames: [{ sanType: "URI", matcher: { exact: peer.uri } }],
          },
          validationContextSdsSecretConfig: secret("ROOTCA"),
        },
      },
    },
  };
  const listener = {
    name: "in",
    address: from,
    filterChains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typedConfig: {
              "@type": `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              statPrefix: "in",
              ...manager,
              routeConfig: {
                virtualHosts: [
                  { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, route: { cluster: "next" } }] },
                ],
              },
              httpFilters: [
                {
                  name: "envoy.filters.http.router",
                  typedConfig: { "@type": `${TYPE}.filters.http.router.v3.Router` },
                },
              ],
            },
          },
        ],
        ...(tls === "server" ? { transportSocket: socket } : {}),
      },
    ],
  };
  const cluster = {
    name: "next",
    type: "STATIC",
    loadAssignment: endpoints("next", to),
    // Every request is a handshake, so that every moment is tried.
    ...(tls === "client" ? { transportSocket: socket, maxRequestsPerConnection: 1 } : {}),
  };
  return (bootstrap) => {
    const { clusters } = bootstrap.staticResources as { clusters: readonly { readonly name?: string }[] };
    const sds = clusters.filter(({ name }) => name === "sds-grpc");
    const { dynamicResources: _, ...rest } = bootstrap;
    return { ...rest, staticResources: { listeners: [listener], clusters: [...sds, cluster] } };
  };
}

/** Serial numbers of what Envoy has loaded. */
async function loaded(envoy: EnvoyProcess): Promise<{ readonly roots: string[]; readonly own: string[] }> {
  const serials = (list: readonly { readonly serial_number: string }[]) =>
    list.map(({ serial_number: serial }) => BigInt(`0x${serial}`).toString(16));
  const { certificates } = JSON.parse((await envoy.admin("/certs")).body);
  return {
    roots: certificates.flatMap(({ ca_cert: list = [] }) => serials(list)).sort(),
    own: certificates.flatMap(({ cert_chain: list = [] }) => serials(list)).sort(),
  };
}

const serialOf = (pem: string) => BigInt(`0x${new X509Certificate(pem).serialNumber}`).toString(16);

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not after 10 s`);
    await sleep(25);
  }
}

/** Constant requests over mutual TLS between two Envoys, whose certificates come from agents of an authority. */
export interface TlsTraffic extends AsyncDisposable {
  readonly agents: readonly Agent[];
  /** Certificates that the server's program was told of, by hash. */
  readonly seen: ReadonlySet<string>;
  /** Resolves when all Envoys use their agent's certificate and these roots (PEM), and no others. */
  inUse(roots: readonly string[]): Promise<void>;
  /** Ends the traffic: how many answers there were of each kind; `good` is the one that is meant to be. */
  stop(): Promise<{
    readonly answers: Readonly<Record<string, number>>;
    readonly good: string;
    readonly seconds: number;
  }>;
}

export interface TlsTrafficOptions {
  readonly authority: Authority;
  /** Addresses are 127.0.NET.x. */
  readonly net: number;
  readonly apiType: "GRPC" | "DELTA_GRPC";
  /** Seconds that certificates live. */
  readonly life: number;
}

export async function startTlsTraffic({ authority, net, apiType, life }: TlsTrafficOptions): Promise<TlsTraffic> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "rotation-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const agents = new Map<string, Agent>();
  for (const name of ["client", "server"]) {
    const identity = workloadSpiffeId("cluster.local", "default", name);
    const agent = stack.use(createAgent({ identity, ca: inProcessClient(authority, identity), ttlSeconds: life }));
    await agent.ready;
    await agent.listen(`unix:${join(folder, name)}`);
    agents.set(name, agent);
  }
  /** Certificates the program behind the server's proxy was told of. */
  const seen = new Set<string>();
  const program = createServer((request, response) => {
    const told = String(request.headers["x-forwarded-client-cert"]);
    seen.add(/Hash=([0-9a-f]+)/.exec(told)?.[1] ?? told);
    response.end(/URI=([^;]+)/.exec(told)?.[1] ?? told);
  });
  stack.defer(() => void program.close());
  await new Promise<void>((resolve) => program.listen(8080, `127.0.${net}.3`, resolve));

  const identityOf = (name: string) => workloadSpiffeId("cluster.local", "default", name);
  const hops = {
    client: hop({
      from: addressOf(`127.0.${net}.1`, 8080),
      to: addressOf(`127.0.${net}.2`, 8443),
      tls: "client",
      peer: identityOf("server"),
      apiType,
    }),
    server: hop({
      from: addressOf(`127.0.${net}.2`, 8443),
      to: addressOf(`127.0.${net}.3`, 8080),
      manager: { forwardClientCertDetails: "SANITIZE_SET", setCurrentClientCertDetails: { uri: true } },
      tls: "server",
      peer: identityOf("client"),
      apiType,
    }),
  };
  const envoys = new Map<string, EnvoyProcess>();
  for (const [index, name] of (["client", "server"] as const).entries()) {
    const envoy = await startEnvoy({
      node: { id: name, cluster: name },
      sdsPath: join(folder, name),
      admin: `127.0.${net}.${index + 1}:15000`,
      patch: hops[name],
    });
    stack.use(envoy);
    await envoy.ready();
    envoys.set(name, envoy);
  }
  const connections = new HttpAgent({ keepAlive: true });
  stack.defer(() => connections.destroy());
  const ask = () =>
    new Promise<string>((resolve) => {
      get({ host: `127.0.${net}.1`, port: 8080, agent: connections }, (response) => {
        let body = "";
        response.on("data", (chunk) => {
          body += chunk;
        });
        response.on("end", () => resolve(`${response.statusCode} ${body}`));
      }).on("error", (error) => resolve(error.message));
    });
  const good = `200 ${identityOf("client").uri}`;
  await until(async () => (await ask()) === good, "the first answer");

  /** All Envoys use their agent's certificate and these roots and no others. */
  const inUse = (roots: readonly string[]) =>
    until(async () => {
      const goal = roots.map(serialOf).sort();
      for (const [name, envoy] of envoys) {
        const secret = agents.get(name)?.get("default");
        if (secret?.kind !== "key-pair") return false;
        const have = await loaded(envoy);
        if (!have.own.includes(serialOf(secret.certificateChain)) || String([...new Set(have.roots)]) !== String(goal))
          return false;
      }
      return true;
    }, "everybody has them");

  let going = true;
  const answers = new Map<string, number>();
  const traffic = Array.from({ length: 3 }, async () => {
    while (going) {
      const answer = await ask();
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      await sleep(5);
    }
  });
  const begun = Date.now();
  const kept = stack.move();
  return {
    agents: [...agents.values()],
    seen,
    inUse,
    async stop() {
      going = false;
      await Promise.all(traffic);
      return { answers: Object.fromEntries(answers), good, seconds: (Date.now() - begun) / 1000 };
    },
    async [Symbol.asyncDispose]() {
      going = false;
      await kept.disposeAsync();
    },
  };
}
