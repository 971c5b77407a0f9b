import { type ConfigObject, type GatewayServer, refOf } from "@fairlead/config";
import { gatewaysOf, type Query, type Reader, type ServiceTarget, serviceTargetsOf } from "@fairlead/mesh";
import { type Diagnostic, isHttp, type Protocol, parseProtocol } from "@fairlead/model";
import {
  gatewayRouteName,
  hostsOfServer,
  isHttpServer,
  isTlsServer,
  nameOfHost,
  type PlacedServer,
  terminatesHttps,
} from "./gateway-server.ts";

/** What one listener of a gateway serves. */
export interface MergedPort {
  readonly port: number;
  readonly protocol: Protocol;
  /** Empty: all addresses. */
  readonly bind: string;
  /** Of the first server. Servers that end TLS have their own each. */
  readonly routeName: string;
  readonly servers: readonly PlacedServer[];
}

/** The servers of all Gateways that pick the node. */
export interface MergedGateway {
  /** In the order in which Gateways (oldest first) and their servers name them. */
  readonly ports: readonly MergedPort[];
  readonly byRouteName: ReadonlyMap<string, readonly PlacedServer[]>;
  /** Servers that are left out, and why. */
  readonly diagnostics: readonly Diagnostic[];
}

const merged: Query<void, MergedGateway> = {
  name: "gateway-servers",
  key: () => "",
  compute: (read) => mergeServers(gatewaysOf(read).flatMap((gateway) => placedServers(read, gateway))),
};

/** The servers of the node, which is a gateway, put together by port. */
export function gatewayServersOf(read: Reader): MergedGateway {
  return read.ask(merged, undefined);
}

const GATEWAY_SERVICE = "internal.istio.io/gateway-service";
const PARENT_NAMESPACE = "internal.istio.io/parent-namespace";
/** A label of a Service whose ports are not those of Gateways. */
const NO_TRANSLATION = "experimental.istio.io/disable-gateway-port-translation";

function placedServers(read: Reader, gateway: ConfigObject<"Gateway">): readonly PlacedServer[] {
  const { name, namespace, annotations } = gateway.metadata;
  const services = annotations[GATEWAY_SERVICE]?.split(",");
  const home = annotations[PARENT_NAMESPACE] || namespace;
  const targets = serviceTargetsOf(read).filter(({ service }) =>
    services
      ? services.includes(service.hostname) && service.namespace === home
      : service.labels[NO_TRANSLATION] === undefined,
  );
  return (gateway.spec.servers ?? []).flatMap((server, index) =>
    portsOf(server.port.number, targets, services === undefined).map((port) => {
      const hosts = hostsOfServer(server, namespace);
      const http3 = http3Of(server, targets);
      return {
        gateway,
        source: refOf(gateway),
        gatewayName: `${namespace}/${name}`,
        server,
        path: `spec.servers[${index}]`,
        hosts,
        port,
        routeName: gatewayRouteName(server, port, gateway),
        ...(http3 ? { http3 } : {}),
        sniHosts: server.tls ? [...new Set(hosts.map(nameOfHost))].sort() : [],
      };
    }),
  );
}

function http3Of(server: GatewayServer, targets: readonly ServiceTarget[]): PlacedServer["http3"] {
  const asked = targets.some(({ port }) => port.number === server.port.number && port.protocol === "UDP");
  if (!asked || !terminatesHttps(server)) return undefined;
  return server.tls?.mode === "SIMPLE" ? "served" : "refused";
}

/**
 * The ports to listen on for a server's port. Gateways that select by labels mean either a port of the gateway's
 * service, of which the first counts, or the port itself; those of the Gateway API mean the service's only.
 */
function portsOf(number: number, targets: readonly ServiceTarget[], byLabels: boolean): readonly number[] {
  if (targets.length === 0) return byLabels ? [number] : [];
  const found = [...new Set(targets.filter(({ port }) => port.number === number).map(({ targetPort }) => targetPort))];
  return byLabels ? [found[0] ?? number] : found;
}

interface Listening {
  readonly port: number;
  readonly protocol: string;
  readonly bind: string;
  readonly routeName: string;
  readonly servers: PlacedServer[];
}

/**
 * Puts servers of one port together as far as they can share a listener: plain HTTP with plain HTTP, TLS with TLS of
 * other names. The others are left out. Source: Istio `mergeGateways`.
 */
function mergeServers(servers: readonly PlacedServer[]): MergedGateway {
  const listening = new Map<string, Listening>();
  const byRouteName = new Map<string, PlacedServer[]>();
  const plain = new Map<number, Listening>();
  const used = new Set<number>();
  const tlsHosts = new Map<number, Map<string, string>>();
  const diagnostics: Diagnostic[] = [];
  const drop = (placed: PlacedServer, message: string) =>
    void diagnostics.push({
      code: "gateway-server-conflict",
      severity: "warning",
      object: placed.source,
      path: placed.path,
      message: `${message}; this server is left out`,
    });
  const route = (placed: PlacedServer, first = false) => {
    if (placed.routeName === "") return;
    const present = byRouteName.get(placed.routeName);
    if (first || !present) byRouteName.set(placed.routeName, [placed]);
    else present.push(placed);
  };
  const listen = (placed: PlacedServer): Listening => {
    const { port, server, routeName } = placed;
    const key = `${port} ${server.port.protocol} ${server.bind ?? ""}`;
    const present = listening.get(key);
    if (present) present.servers.push(placed);
    const entry = present ?? {
      port,
      protocol: server.port.protocol,
      bind: server.bind ?? "",
      routeName,
      servers: [placed],
    };
    listening.set(key, entry);
    return entry;
  };
  const first = (placed: PlacedServer) => {
    const entry = listen(placed);
    if (!isTlsServer(placed.server)) plain.set(placed.port, entry);
    if (isHttpServer(placed.server)) route(placed, true);
  };

  for (const placed of servers) {
    const { port, server, routeName } = placed;
    const bind = server.bind ?? "";
    if (server.tls) {
      const known = tlsHosts.get(port) ?? new Map<string, string>();
      tlsHosts.set(port, known);
      const twice = placed.hosts.filter((host) => known.get(host) === bind);
      if (twice.length > 0) {
        drop(placed, `port ${port} serves ${twice.join(", ")} over TLS already`);
        continue;
      }
      for (const host of placed.hosts) known.set(host, bind);
    }
    if (!used.has(port)) {
      used.add(port);
      first(placed);
      continue;
    }
    const current = plain.get(port);
    if (current) {
      const sameBind = current.bind === bind;
      if (sameBind && !shareable(server, current.protocol)) {
        drop(
          placed,
          `port ${port} speaks ${current.protocol} already, which goes not together with ${server.port.protocol}`,
        );
      } else if (sameBind && routeName === "") {
        drop(placed, `port ${port} is taken`);
      } else if (sameBind) {
        current.servers.push(placed);
        route(placed);
      } else if (listening.has(`${port} ${server.port.protocol} ${bind}`)) {
        listen(placed);
        route(placed);
      } else first(placed);
      continue;
    }
    if (!isTlsServer(server)) {
      first(placed);
      continue;
    }
    if (isHttpServer(server)) {
      if (byRouteName.has(routeName)) {
        drop(placed, `the name of its port, ${server.port.name}, is not its own`);
        continue;
      }
      route(placed, true);
    }
    listen(placed);
  }
  return {
    ports: [...listening.values()].map((entry) => ({ ...entry, protocol: parseProtocol(entry.protocol) })),
    byRouteName,
    diagnostics,
  };
}

function shareable(server: GatewayServer, current: string): boolean {
  const protocol = parseProtocol(server.port.protocol);
  const other = parseProtocol(current);
  return isHttp(other) && (isHttp(protocol) || protocol === other);
}
