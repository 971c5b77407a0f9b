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

const BY_NAME: Readonly<Record<string, Protocol>> = {
  http: "HTTP",
  http_proxy: "HTTP_PROXY",
  http2: "HTTP2",
  https: "HTTPS",
  grpc: "GRPC",
  "grpc-web": "GRPC-Web",
  tcp: "TCP",
  tls: "TLS",
  udp: "UDP",
  mongo: "Mongo",
  redis: "Redis",
  mysql: "MySQL",
  hbone: "HBONE",
  doublehbone: "DoubleHBONE",
};

/** The protocol a name stands for, in any case; `Unspecified` for a name that is not known. */
export function parseProtocol(name: string): Protocol {
  return BY_NAME[name.toLowerCase()] ?? "Unspecified";
}

/** Well-known numbers where detection would break server-first protocols. */
const WELL_KNOWN_TCP: ReadonlySet<number> = new Set([25, 53, 3306, 27017]);

/** Kubernetes `appProtocol` values beyond the names above. */
const APP_PROTOCOLS: Readonly<Record<string, Protocol>> = {
  "kubernetes.io/h2c": "HTTP2",
  "kubernetes.io/ws": "HTTP",
  "kubernetes.io/wss": "HTTPS",
  "istio.io/h2c": "HTTP2",
};

/**
 * The protocol of a Kubernetes Service port: `appProtocol` first, then the prefix of the port's name
 * (`name[-suffix]`), then numbers that are TCP by convention. Source: Istio `kube.ConvertProtocol`.
 */
export function kubernetesPortProtocol(port: {
  readonly number: number;
  readonly name?: string;
  readonly transport?: string;
  readonly appProtocol?: string;
}): Protocol {
  if (port.transport === "UDP") return "UDP";
  let name = port.name ?? "";
  if (port.appProtocol !== undefined) {
    const special = APP_PROTOCOLS[port.appProtocol.toLowerCase()];
    if (special) return special;
    name = port.appProtocol;
  }
  if (name === "" && WELL_KNOWN_TCP.has(port.number)) return "TCP";
  if (name.toLowerCase() === "grpc-web" || name.toLowerCase().startsWith("grpc-web-")) return "GRPC-Web";
  const dash = name.indexOf("-");
  const protocol = parseProtocol(dash < 0 ? name : name.slice(0, dash));
  // HBONE is for the mesh itself: no user port declares it.
  return protocol === "UDP" && port.transport !== "UDP"
    ? "UDP"
    : protocol === "HBONE" || protocol === "DoubleHBONE"
      ? "Unspecified"
      : protocol;
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
