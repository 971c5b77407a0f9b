import { Derivations, type Mesh, type Query, serviceTargetsOf } from "@fairlead/mesh";
import { formatObject, type ProxyNode, type Service } from "@fairlead/model";
import type { Provenance } from "@fairlead/xds/translate";
import { SimulatorError } from "../error.ts";
import type { Call } from "../evaluate-resources.ts";
import type { ParsedRequest } from "../request.ts";
import type { Tracer } from "../trace.ts";
import { UNKNOWN_ADDRESS } from "./node.ts";
import { resolveHost } from "./resolve.ts";
import { worldOf } from "./world.ts";

/** How a request comes to the proxy, where that is not as its URL has it. */
export interface Arrangement {
  /** Where to connect instead of where the URL leads: `ADDRESS:PORT`. */
  readonly at?: string;
  /**
   * The request comes in to the workload instead of going out from it; `peer` is the URI name of the certificate that the client
   * shows, absent when it speaks no mutual TLS. The URL's port is the workload's.
   */
  readonly inbound?: { readonly peer?: string };
  /** Address of the client. Default: the workload's own; from outside one that is nobody's (RFC 5737). */
  readonly client?: string;
}

/** A client outside the mesh. RFC 5737. */
const OUTSIDE_CLIENT = "203.0.113.9";

/** What a mesh's own client offers in TLS. */
const MESH_ALPN = {
  "http/1.1": ["istio-http/1.1", "istio", "http/1.1"],
  "http/2": ["istio-h2", "istio", "h2"],
  tcp: ["istio-peer-exchange", "istio"],
} as const;

/** How a request reaches the proxy: what its client dials, and what the proxy sees of it. */
export function entryPoint(
  mesh: Mesh,
  node: ProxyNode,
  request: ParsedRequest,
  { at, inbound, client }: Arrangement,
  tracer?: Tracer,
): Call {
  const { tls, sni, alpn, protocol, http } = request;
  const own = node.ipAddresses[0] ?? UNKNOWN_ADDRESS;
  if (inbound) {
    const { peer } = inbound;
    const connection = {
      destination: at === undefined ? { address: own, port: request.port } : parseAt(at),
      source: { address: client ?? OUTSIDE_CLIENT, port: 50_000 },
      tls: tls || peer !== undefined,
      sni,
      alpn: peer !== undefined && alpn.length === 0 ? MESH_ALPN[protocol] : alpn,
      protocol,
      ...(peer !== undefined && { peer: { uris: [peer] } }),
    };
    return { entry: "inbound", connection, ...(http && { request: http }) };
  }
  const gateway = node.type === "router";
  const place = at === undefined ? dialled(mesh, node, request, tracer) : parseAt(at);
  const port = gateway ? listenedPort(mesh, node, place.port) : place.port;
  const source = { address: client ?? (gateway ? OUTSIDE_CLIENT : own), port: 50_000 };
  return {
    entry: gateway || node.interceptionMode === "NONE" ? "bound" : "outbound",
    connection: { destination: { address: place.address, port }, source, tls, sni: tls ? sni : "", alpn, protocol },
    ...(http && { request: http }),
  };
}

function dialled(
  mesh: Mesh,
  node: ProxyNode,
  { host, port }: ParsedRequest,
  tracer: Tracer | undefined,
): { address: string; port: number } {
  if (node.type === "router") return { address: node.ipAddresses[0] ?? UNKNOWN_ADDRESS, port };
  const { address, service } = resolveHost(mesh, node, host);
  if (service && tracer) tellService(service, port, address, worldOf(mesh, node).provenance, tracer);
  else if (address !== host.replace(/^\[|\]$/g, ""))
    tracer?.add("name", host, true, `no service of the mesh: ${address} stands for where it leads outside`);
  return { address, port };
}

/** What the client's look-up finds; a port that the service does not have is what newcomers stumble over. */
function tellService(service: Service, port: number, address: string, provenance: Provenance, tracer: Tracer): void {
  provenance.set(service, { object: service.source, path: "" });
  const named = formatObject(service.source);
  if (service.ports.some(({ number }) => number === port))
    tracer.add("name", service.hostname, true, `${named}, dialled at ${address}:${port}`, service);
  else {
    const ports = service.ports.map(({ number, name }) => `${number}${name ? ` (${name})` : ""}`).join(", ");
    tracer.add("name", service.hostname, false, `${named} has no port ${port}; it has ${ports || "none"}`, service);
  }
}

function parseAt(at: string): { address: string; port: number } {
  const parts = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(at);
  if (!parts) throw new SimulatorError("malformed-request", `${JSON.stringify(at)} is not of the form ADDRESS:PORT`);
  return { address: (parts[1] ?? "").replace(/^\[(.*)\]$/, "$1"), port: Number(parts[2]) };
}

const targets: Query<void, readonly (readonly [number, number])[]> = {
  name: "gateway-ports",
  key: () => "",
  compute: (read) => serviceTargetsOf(read).map(({ port, targetPort }) => [port.number, targetPort] as const),
};

const ports = new WeakMap<Mesh, Map<ProxyNode, ReadonlyMap<number, number>>>();

/** The port a gateway listens on for a port of its Service. */
function listenedPort(mesh: Mesh, node: ProxyNode, port: number): number {
  let byNode = ports.get(mesh);
  if (byNode === undefined) {
    byNode = new Map();
    ports.set(mesh, byNode);
  }
  let found = byNode.get(node);
  if (found === undefined) {
    found = new Map(new Derivations(mesh).ask(targets, undefined, node));
    byNode.set(node, found);
  }
  return found.get(port) ?? port;
}
