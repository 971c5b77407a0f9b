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

/** A client outside the mesh. RFC 5737. */
const OUTSIDE_CLIENT = "203.0.113.9";

/** How a request reaches the proxy: what its client dials, and what the proxy sees of it. */
export function entryPoint(
  mesh: Mesh,
  node: ProxyNode,
  request: ParsedRequest,
  at: string | undefined,
  tracer?: Tracer,
): Call {
  const gateway = node.type === "router";
  const place = at === undefined ? dialled(mesh, node, request, tracer) : parseAt(at);
  const port = gateway ? listenedPort(mesh, node, place.port) : place.port;
  const own = node.ipAddresses[0] ?? UNKNOWN_ADDRESS;
  return {
    entry: gateway || node.interceptionMode === "NONE" ? "bound" : "outbound",
    connection: {
      destination: { address: place.address, port },
      source: { address: gateway ? OUTSIDE_CLIENT : own, port: 50_000 },
      tls: request.tls,
      sni: request.sni,
      alpn: request.alpn,
      protocol: request.protocol,
    },
    ...(request.http && { request: request.http }),
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
