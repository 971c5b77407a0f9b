/**
 * What a port speaks. `Unspecified` means: not declared, detected at run time.
 * Source: Istio "Protocol Selection", `pkg/config/protocol`.
 */
export type Protocol =
  | "HTTP"
  | "HTTP_PROXY"
  | "HTTP2"
  | "HTTPS"
  | "GRPC"
  | "GRPC-Web"
  | "TCP"
  | "TLS"
  | "UDP"
  | "Mongo"
  | "Redis"
  | "MySQL"
  | "HBONE"
  | "DoubleHBONE"
  | "Unspecified";

const BY_NAME: ReadonlyMap<string, Protocol> = new Map<string, Protocol>([
  ["http", "HTTP"],
  ["http_proxy", "HTTP_PROXY"],
  ["http2", "HTTP2"],
  ["https", "HTTPS"],
  ["grpc", "GRPC"],
  ["grpc-web", "GRPC-Web"],
  ["tcp", "TCP"],
  ["tls", "TLS"],
  ["udp", "UDP"],
  ["mongo", "Mongo"],
  ["redis", "Redis"],
  ["mysql", "MySQL"],
]);

/**
 * The protocol a name stands for, in any case; `Unspecified` for a name that is not known. HBONE is for the mesh itself:
 * no port declares it by name.
 */
export function parseProtocol(name: string): Protocol {
  return BY_NAME.get(name.toLowerCase()) ?? "Unspecified";
}

/** Well-known numbers where detection would break server-first protocols. */
const WELL_KNOWN_TCP: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/** Kubernetes' own `appProtocol` values, in exact case. */
const APP_PROTOCOLS: ReadonlyMap<string, Protocol> = new Map<string, Protocol>([
  ["kubernetes.io/h2c", "HTTP2"],
  ["kubernetes.io/ws", "HTTP"],
  ["kubernetes.io/wss", "HTTPS"],
]);

/**
 * The protocol of a Kubernetes Service port: `appProtocol` first, then the prefix of the port's name
 * (`name[-suffix]`); numbers that are TCP by convention stand in for what these do not tell. Source: Istio `kube.ConvertProtocol`.
 */
export function kubernetesPortProtocol(port: {
  readonly number: number;
  readonly name?: string;
  readonly transport?: string;
  readonly appProtocol?: string;
}): Protocol {
  if (port.transport === "UDP") return "UDP";
  const special = port.appProtocol === undefined ? undefined : APP_PROTOCOLS.get(port.appProtocol);
  if (special) return special;
  const name = (port.appProtocol ?? port.name ?? "").toLowerCase();
  if (name.startsWith("grpc-web")) return "GRPC-Web";
  const dash = name.indexOf("-");
  const protocol = parseProtocol(dash < 0 ? name : name.slice(0, dash));
  return protocol === "Unspecified" && WELL_KNOWN_TCP.has(port.number) ? "TCP" : protocol;
}

export function isHttp(protocol: Protocol): boolean {
  return (
    protocol === "HTTP" ||
    protocol === "HTTP2" ||
    protocol === "HTTP_PROXY" ||
    protocol === "GRPC" ||
    protocol === "GRPC-Web"
  );
}

export function isHttp2(protocol: Protocol): boolean {
  return protocol === "HTTP2" || protocol === "GRPC" || protocol === "GRPC-Web";
}

export function isTls(protocol: Protocol): boolean {
  return protocol === "HTTPS" || protocol === "TLS";
}

export function isTcp(protocol: Protocol): boolean {
  return (
    protocol === "TCP" ||
    protocol === "HTTPS" ||
    protocol === "TLS" ||
    protocol === "Mongo" ||
    protocol === "Redis" ||
    protocol === "MySQL"
  );
}
