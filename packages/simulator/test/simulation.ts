import type { MeshConfig } from "@fairlead/config";
import { type ProxyNode, parseNode } from "@fairlead/model";
import { type Call, evaluateResources } from "../src/evaluate-resources.ts";
import type { Evaluation, Failure } from "../src/evaluation.ts";
import { meshFromYaml } from "../src/mesh/from-yaml.ts";
import { worldOf } from "../src/mesh/world.ts";
import type { Connection } from "../src/subject.ts";
import { conformanceFolders, conformanceJson, conformanceText } from "./conformance-data.ts";

/** A call of Istio's simulation tests, as the corpus writes it. */
interface SimulatedCall {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly protocol: "http" | "http2" | "tcp" | "";
  readonly tls: "plaintext" | "tls" | "mtls";
  readonly alpn: string;
  readonly sni: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly mode: "" | "gateway" | "outbound" | "inbound";
}

export interface Result {
  readonly error?: string;
  readonly listener?: string;
  readonly filterChain?: string;
  readonly routeConfig?: string;
  readonly virtualHost?: string;
  readonly route?: string;
  readonly cluster?: string;
}

export interface SimulatedCase {
  readonly id: string;
  readonly proxy: {
    readonly type: string;
    readonly id: string;
    readonly ips: readonly string[];
    readonly dnsDomain: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>> | null;
    readonly metadata: Readonly<Record<string, unknown>>;
  };
  readonly meshConfig?: MeshConfig;
  readonly calls: readonly {
    readonly name: string;
    readonly call: SimulatedCall;
    readonly want: Result & { readonly strict?: boolean; readonly knownBug?: string };
    readonly got: Result;
  }[];
}

const WORDS: Readonly<Partial<Record<Failure, string>>> = {
  "no-listener": "no listener matched",
  "no-filter-chain": "no filter chains matched",
  "ambiguous-filter-chain": "multiple filter chains matched",
  "no-route": "no route matched",
  "no-virtual-host": "no virtual host matched",
  "protocol-error": "protocol error",
  "invalid-tls": "invalid TLS",
  "invalid-mtls": "invalid mTLS",
};

export function simulationCases(): readonly SimulatedCase[] {
  return conformanceFolders("routing/simulation").map((name) =>
    conformanceJson<SimulatedCase>(`routing/simulation/${name}/case.json`),
  );
}

/** Answers the calls of a case from our own translation of its configuration. */
export function answerCase(one: SimulatedCase): readonly Result[] {
  const folder = `routing/simulation/${one.id}`;
  const texts = ["config.yaml", "kubernetes.yaml"].flatMap((file) => {
    const text = conformanceText(`${folder}/${file}`);
    return text === undefined ? [] : [{ file, text }];
  });
  const { mesh } = meshFromYaml(texts, {
    duplicateKeys: "last",
    sidecars: "declared",
    ...(one.meshConfig && { meshConfig: withZeroes(one.meshConfig) }),
  });
  const { resources } = worldOf(mesh, nodeOf(one));
  return one.calls.map(({ call }) => resultOf(evaluateResources(resources, callOf(call, one))));
}

/** Normalisation `zero enums`: the corpus leaves out an enum's zero value, REGISTRY_ONLY among them. */
function withZeroes(meshConfig: MeshConfig): MeshConfig {
  return { ...meshConfig, outboundTrafficPolicy: { mode: "REGISTRY_ONLY", ...meshConfig.outboundTrafficPolicy } };
}

function nodeOf({ proxy, id }: SimulatedCase): ProxyNode {
  const { node } = parseNode({
    id: `${proxy.type}~${proxy.ips[0]}~${proxy.id}~${proxy.dnsDomain}`,
    metadata: {
      ...proxy.metadata,
      NAMESPACE: proxy.namespace,
      ...(proxy.labels && { LABELS: proxy.labels }),
      INSTANCE_IPS: proxy.ips.join(","),
    },
  });
  if (!node) throw new Error(`${id}: no node`);
  return node;
}

/** Normalisation `SNI means TLS`: upstream lets a plaintext call carry a server name, which no client can send. */
function callOf(call: SimulatedCall, { proxy }: SimulatedCase): Call {
  const protocol: Connection["protocol"] =
    call.protocol === "http" ? "http/1.1" : call.protocol === "http2" ? "http/2" : "tcp";
  const tls = call.tls !== "plaintext" || call.sni !== "";
  const entry =
    call.mode === "inbound" ? "inbound" : call.mode === "gateway" || proxy.type === "router" ? "bound" : "outbound";
  const host = call.headers.Host?.[0] ?? "";
  const headers = new Map<string, string>([
    [":authority", host],
    [":method", "GET"],
    [":path", call.path],
    [":scheme", tls ? "https" : "http"],
  ]);
  for (const [name, values] of Object.entries(call.headers))
    if (name !== "Host") headers.set(name.toLowerCase(), values.join(","));
  return {
    entry,
    connection: {
      destination: { address: call.address, port: call.port },
      source: { address: "1.2.3.4", port: 50_000 },
      tls,
      sni: call.sni,
      alpn: call.alpn ? [call.alpn] : [],
      protocol,
      ...(call.tls === "mtls" && { peer: { uris: ["spiffe://cluster.local/ns/default/sa/default"] } }),
    },
    ...(protocol !== "tcp" && {
      request: { path: call.path, pathname: call.path, headers, metadata: new Map<string, unknown>() },
    }),
  };
}

function resultOf(evaluation: Evaluation): Result {
  const [branch] = evaluation.branches;
  const failure = branch?.kind === "closed" || branch?.kind === "reply" ? branch.failure : undefined;
  const toTls =
    branch?.kind === "reply" && branch.reply.by === "tls required" ? "tls required, sending 301" : undefined;
  const error = toTls ?? (failure && (WORDS[failure] ?? failure));
  return {
    ...(error && { error }),
    ...(evaluation.listener && { listener: evaluation.listener }),
    ...(evaluation.filterChain && { filterChain: evaluation.filterChain }),
    ...(evaluation.routeConfiguration && { routeConfig: evaluation.routeConfiguration }),
    ...(branch?.virtualHost && { virtualHost: branch.virtualHost }),
    ...(branch?.route && { route: branch.route }),
    ...(branch?.kind === "forward" && branch.cluster && { cluster: branch.cluster }),
  };
}

/** Normalisation `empty domain`: upstream ran with an empty cluster domain, so short names are completed with the namespace only. */
function shortened(result: Result): Result {
  return result.cluster === undefined
    ? result
    : { ...result, cluster: result.cluster.replace(/\.svc\.cluster\.local$/, "") };
}

/** The fields in which an answer is not what the corpus has. */
export function disagreements(ours: Result, theirs: Result): readonly string[] {
  const fields = ["error", "listener", "filterChain", "routeConfig", "virtualHost", "route", "cluster"] as const;
  const [left, right] = [shortened(ours), shortened(theirs)];
  return fields.filter((field) => (left[field] ?? "") !== (right[field] ?? ""));
}
