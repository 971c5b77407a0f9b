import type { ConfigObject, GatewayServer } from "@fairlead/config";
import { isHttp, type ObjectRef, parseProtocol } from "@fairlead/model";

/** A server of a Gateway at a port that the node listens on. */
export interface PlacedServer {
  readonly gateway: ConfigObject<"Gateway">;
  readonly source: ObjectRef;
  /** `namespace/name`, as VirtualServices name it. */
  readonly gatewayName: string;
  readonly server: GatewayServer;
  /** `spec.servers[1]` */
  readonly path: string;
  /** `host`, or `namespace/host` for one that only VirtualServices of that namespace may use. */
  readonly hosts: readonly string[];
  /** The port to listen on: the target port of the gateway's own service where that has the server's port. */
  readonly port: number;
  /** Empty where no routes are asked for: the server speaks no HTTP, or does not see it. */
  readonly routeName: string;
  /**
   * Whether it answers HTTP/3 too: it ends TLS, and the gateway's own service has a UDP port of its number. `refused`: it
   * would, but for the certificates that it asks clients for.
   */
  readonly http3?: "served" | "refused";
  /** Server names that lead to it; empty without TLS. */
  readonly sniHosts: readonly string[];
}

/** Hands encrypted bytes on as they are, which is what `tls` without a mode means too. */
export function isPassthroughServer({ tls }: GatewayServer): boolean {
  return tls !== undefined && (!tls.mode || tls.mode === "PASSTHROUGH" || tls.mode === "AUTO_PASSTHROUGH");
}

/** Sees requests: HTTP, or HTTPS that ends here. */
export function isHttpServer(server: GatewayServer): boolean {
  const protocol = parseProtocol(server.port.protocol);
  return isHttp(protocol) || (protocol === "HTTPS" && !isPassthroughServer(server));
}

/** Speaks TLS, ended here or not. HTTP with `tls` is only a redirect. */
export function isTlsServer(server: GatewayServer): boolean {
  return server.tls !== undefined && !isHttp(parseProtocol(server.port.protocol));
}

/** Ends TLS and sees the requests within. */
export function terminatesHttps(server: GatewayServer): boolean {
  return server.tls !== undefined && parseProtocol(server.port.protocol) === "HTTPS" && !isPassthroughServer(server);
}

/** A server's hosts with the Gateway's namespace for `./` and none for `*` as the namespace. */
export function hostsOfServer(server: GatewayServer, namespace: string): readonly string[] {
  if (server.hosts.includes("*/*")) return ["*"];
  return server.hosts.map((host) => {
    if (host.startsWith("./")) return `${namespace}${host.slice(1)}`;
    return host.startsWith("*/") ? host.slice(2) : host;
  });
}

/** The part of a server's host that names are matched with. */
export function nameOfHost(host: string): string {
  return host.slice(host.indexOf("/") + 1);
}

/**
 * `http.8080` for all plain servers of a port, `https.443.https.gw.istio-system` for each that ends TLS: what it shows
 * depends on the certificate. Source: Istio `gatewayRDSRouteName`.
 */
export function gatewayRouteName(server: GatewayServer, port: number, gateway: ConfigObject<"Gateway">): string {
  const bind = server.bind ? `.${server.bind}` : "";
  if (isHttp(parseProtocol(server.port.protocol))) return `http.${port}${bind}`;
  if (!isHttpServer(server)) return "";
  const { name, namespace } = gateway.metadata;
  return `https.${server.port.number}.${server.port.name}.${name}.${namespace}${bind}`;
}
