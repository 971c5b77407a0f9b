import { join } from "node:path";
import { type Agent, createAgent } from "@fairlead/ca/agent";
import { grpcCaClient } from "@fairlead/ca/grpc";
import { type NodeJson, workloadSpiffeId } from "@fairlead/model";
import { type EnvoyProcess, startEnvoy } from "../../tests/support/envoy-process.ts";
import { startProgram } from "./program.ts";

/** The workloads of the sample: their numbers are the last part of their addresses. */
export const WORKLOADS = [
  { service: "page", version: "v1", number: 10, calls: ["details", "reviews"] },
  { service: "details", version: "v1", number: 20, calls: [] },
  { service: "reviews", version: "v1", number: 31, calls: [] },
  { service: "reviews", version: "v2", number: 32, calls: ["ratings"] },
  { service: "reviews", version: "v3", number: 33, calls: ["ratings"] },
  { service: "ratings", version: "v1", number: 40, calls: [] },
] as const;

/** A workload with everything beside it. */
export interface Running {
  readonly name: string;
  readonly agent: Agent;
  readonly envoy: EnvoyProcess;
  close(): Promise<void>;
}

export interface Surroundings {
  /** Discovery server and certificate service. */
  readonly ads: string;
  readonly certificates: string;
  /** Roots to trust before the first certificate, PEM. */
  readonly roots: string;
  /** A token that lets this workload ask for its certificate, once. */
  token(identity: string): string;
  /** For sockets. */
  readonly folder: string;
  /** The third part of the workloads' addresses; their proxies' outbound sides are at the next. Default: 20. */
  readonly net?: number;
  /** Protocol variant of the Envoys. Default: delta. */
  readonly mode?: "delta" | "sotw";
}

function nodeOf(type: "sidecar" | "router", name: string, address: string, service: string, version: string): NodeJson {
  return {
    id: `${type}~${address}~${name}.default~default.svc.cluster.local`,
    cluster: service,
    metadata: {
      NAMESPACE: "default",
      SERVICE_ACCOUNT: service,
      WORKLOAD_NAME: name,
      CLUSTER_ID: "Kubernetes",
      INTERCEPTION_MODE: "NONE",
      LABELS: { app: service, version },
    },
  };
}

async function startProxy(
  type: "sidecar" | "router",
  service: string,
  version: string,
  number: number,
  around: Surroundings,
): Promise<Running> {
  const { net = 20, mode = "delta" } = around;
  const name = `${service}-${version}`;
  const identity = workloadSpiffeId("cluster.local", "default", service);
  const agent = createAgent({
    identity,
    ca: grpcCaClient({ address: around.certificates, roots: around.roots, token: around.token(identity.uri) }),
  });
  await agent.ready;
  const sdsPath = join(around.folder, `${name}.sock`);
  await agent.listen(`unix:${sdsPath}`);
  const envoy = await startEnvoy({
    node: nodeOf(type, name, `127.0.${net}.${number}`, service, version),
    ads: around.ads,
    mode,
    adsServerNames: ["spiffe://cluster.local/ns/istio-system/sa/istiod"],
    sdsPath,
    admin: `127.0.${net}.${number}:15000`,
  });
  await envoy.ready();
  return {
    name,
    agent,
    envoy,
    async close() {
      await envoy.close();
      await agent.close();
    },
  };
}

/** The gateway: an Envoy without a program. */
export function startGateway(around: Surroundings): Promise<Running> {
  return startProxy("router", "gateway", "v1", 2, around);
}

/** A program, its agent and its Envoy. */
export async function startWorkload(
  { service, version, number, calls }: (typeof WORKLOADS)[number],
  around: Surroundings,
): Promise<Running> {
  const { net = 20 } = around;
  const stop = await startProgram({
    service,
    version,
    address: `127.0.${net}.${number}`,
    outbound: `127.0.${net + 1}.${number}`,
    calls,
  });
  const running = await startProxy("sidecar", service, version, number, around);
  return {
    ...running,
    async close() {
      await running.close();
      await stop();
    },
  };
}
