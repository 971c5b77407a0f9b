import type { Mesh } from "@fairlead/mesh";
import { type ProxyNode, workloadSpiffeId } from "@fairlead/model";
import type { EndpointShare } from "../cluster/endpoints.ts";
import { type Transport, transportTo } from "../cluster/transport.ts";
import type { Cluster, HttpConnectionManager } from "../envoy.ts";
import { evaluateResources } from "../evaluate-resources.ts";
import type { Closed, Forward, Reply } from "../evaluation.ts";
import type { ParsedRequest } from "../request.ts";
import type { Connection, HttpSubject } from "../subject.ts";
import type { Tracer } from "../trace.ts";
import { type Callee, calleesOf } from "./callee.ts";
import { nodeOf, UNKNOWN_ADDRESS } from "./node.ts";
import { type Locate, sourceFinder } from "./positions.ts";
import { worldOf } from "./world.ts";

/** A share of a destination's requests that the callee's proxy does not let in. */
export interface Refusal {
  readonly share: number;
  readonly by: string;
  readonly policy?: string;
  readonly reply?: Reply["reply"];
}

/** What the end of a destination needs to know of its beginning. */
export interface Departure {
  readonly mesh: Mesh;
  readonly node: ProxyNode;
  readonly locate: Locate | undefined;
  readonly request: ParsedRequest;
  readonly cluster: Cluster;
  readonly endpoints: readonly EndpointShare[];
  readonly manager: HttpConnectionManager | undefined;
}

/** How the cluster speaks to its endpoints: to the first of them; endpoints of one service differ seldom. */
export function departureTransport({ mesh, cluster, endpoints, request, manager }: Departure): Transport {
  const first = endpoints[0]?.endpoint ?? templateEndpoint(calleesOf(mesh, cluster, endpoints)[0]);
  return transportTo(cluster, first, request.protocol, manager);
}

function templateEndpoint(callee: Callee | undefined) {
  if (callee?.workload.tlsMode !== "istio") return undefined;
  return { metadata: { filterMetadata: { "envoy.transport_socket_match": { tlsMode: "istio" } } } };
}

interface Group {
  readonly callee: Callee;
  share: number;
  readonly endpoint: EndpointShare | undefined;
}

const grouped = new WeakMap<Cluster, readonly Group[]>();

function groupsOf(mesh: Mesh, cluster: Cluster, endpoints: readonly EndpointShare[]): readonly Group[] {
  const present = grouped.get(cluster);
  if (present) return present;
  const groups = new Map<string, Group>();
  for (const callee of calleesOf(mesh, cluster, endpoints)) {
    const { workload, port } = callee;
    const { namespace, serviceAccount, tlsMode, labels } = workload;
    const key = JSON.stringify([namespace, serviceAccount, tlsMode, port, labels]);
    const group = groups.get(key);
    const endpoint = endpoints.find(({ host }) => host === callee.address);
    if (group) group.share += callee.share;
    else groups.set(key, { callee, share: callee.share, endpoint });
  }
  const list = [...groups.values()];
  grouped.set(cluster, list);
  return list;
}

/**
 * The requests of a forward at the callees' own proxies: transport, mutual TLS, policies. Callees that differ in nothing
 * are looked at once.
 */
export function refusalsAt(departure: Departure, forward: Forward, tracer?: Tracer): readonly Refusal[] {
  const { mesh, cluster, endpoints } = departure;
  return groupsOf(mesh, cluster, endpoints).flatMap(({ callee, share, endpoint }) => {
    const name = `${callee.workload.workloadName}.${callee.workload.namespace}`;
    if (callee.workload.tlsMode !== "istio") {
      tracer?.add("callee", name, true, "has no sidecar: nothing is checked there");
      return [];
    }
    const transport = transportTo(
      cluster,
      endpoint?.endpoint ?? templateEndpoint(callee),
      departure.request.protocol,
      departure.manager,
    );
    const refusal = arrive(departure, forward, callee, transport, tracer);
    return refusal ? [{ ...refusal, share: share * refusal.share }] : [];
  });
}

function arrive(
  { mesh, node, locate, request }: Departure,
  forward: Forward,
  callee: Callee,
  transport: Transport,
  tracer: Tracer | undefined,
): Refusal | undefined {
  const { resources, provenance } = worldOf(mesh, nodeOf(mesh, callee.workload));
  const identity = workloadSpiffeId(
    mesh.meshConfig.trustDomain || "cluster.local",
    node.namespace,
    node.serviceAccount || "default",
  ).uri;
  const connection: Connection = {
    destination: { address: callee.address, port: callee.port },
    source: { address: node.ipAddresses[0] ?? UNKNOWN_ADDRESS, port: 50_000 },
    tls: transport.tls || request.tls,
    sni: transport.tls ? transport.sni : request.sni,
    alpn: transport.tls ? transport.alpn : request.alpn,
    protocol: request.protocol === "tcp" || !request.http ? "tcp" : transport.protocol,
    ...(transport.presentsCertificate && { peer: { uris: [identity] } }),
  };
  const http = request.http && forward.headers.size > 0 ? forwarded(request.http, forward) : undefined;
  const evaluation = evaluateResources(
    resources,
    { entry: "inbound", connection, ...(http && { request: http }) },
    tracer?.enter("callee ", sourceFinder(provenance, locate)),
  );
  const stopped = evaluation.branches.filter((branch): branch is Reply | Closed => branch.kind !== "forward");
  const share = stopped.reduce((sum, branch) => sum + branch.share, 0);
  const [first] = stopped;
  if (first === undefined || share === 0) return undefined;
  if (first.kind === "closed")
    return {
      share,
      by: first.failure === "denied" ? "rbac" : first.failure,
      ...(first.rule !== undefined && { policy: first.rule }),
    };
  const { reply } = first;
  return { share, by: reply.by, reply, ...(reply.rule !== undefined && { policy: reply.rule }) };
}

function forwarded(http: Omit<HttpSubject, "connection">, { headers }: Forward): Omit<HttpSubject, "connection"> {
  const path = headers.get(":path") ?? http.path;
  const query = path.indexOf("?");
  return { ...http, headers, path, pathname: query < 0 ? path : path.slice(0, query), metadata: new Map() };
}
