import { SimulatorError } from "./error.ts";
import { headerKey } from "./match/header.ts";
import type { Connection, HttpSubject } from "./subject.ts";

/** A request or connection, as a client makes it. */
export interface RequestInput {
  /**
   * `http`, `https`, `ws`, `wss`, `grpc`, `grpcs`, `tcp` or `tls`; the port defaults to 80 or 443.
   * `grpc://host:port/package.Service/Method`. The method CONNECT asks for the host and port and has no path.
   */
  readonly url: string;
  /** Default: GET, or POST for gRPC. */
  readonly method?: string;
  /** Names in any case; `host` replaces the URL's authority. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Default: HTTP/1.1, HTTP/2 for gRPC. */
  readonly protocol?: "http/1.1" | "http/2";
  /** Server name in TLS. Default: the URL's host. */
  readonly sni?: string;
  /** What the client offers in TLS, in its order. Default: what the scheme and protocol are known by. */
  readonly alpn?: readonly string[];
  /** Claims of a JWT that the request carries and that is taken as genuine: `{ iss, sub, aud, … }`. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The parts of a request, ready to be evaluated. */
export interface ParsedRequest {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly protocol: Connection["protocol"];
  readonly sni: string;
  readonly alpn: readonly string[];
  /** Absent for TCP. */
  readonly http?: Omit<HttpSubject, "connection">;
}

const SCHEMES: Readonly<
  Record<string, { readonly tls: boolean; readonly protocol: Connection["protocol"]; readonly port?: number }>
> = {
  http: { tls: false, protocol: "http/1.1", port: 80 },
  https: { tls: true, protocol: "http/1.1", port: 443 },
  ws: { tls: false, protocol: "http/1.1", port: 80 },
  wss: { tls: true, protocol: "http/1.1", port: 443 },
  grpc: { tls: false, protocol: "http/2", port: 80 },
  grpcs: { tls: true, protocol: "http/2", port: 443 },
  tcp: { tls: false, protocol: "tcp" },
  tls: { tls: true, protocol: "tcp", port: 443 },
};

const UPGRADE = [
  ["connection", "upgrade"],
  ["upgrade", "websocket"],
] as const;

const URL_SHAPE = /^([a-z][a-z0-9+.-]*):\/\/(\[[0-9a-fA-F:.]+\]|[^/?#:@[\]\s]+)(?::(\d{1,5}))?([/?][^#\s]*)?(#.*)?$/i;

/** Reads a request. The path is kept as it is written: proxies may normalise it, clients of this library do not. */
export function parseRequest(input: RequestInput): ParsedRequest {
  const parts = URL_SHAPE.exec(input.url);
  if (!parts)
    throw new SimulatorError(
      "malformed-request",
      `${JSON.stringify(input.url)} is no URL of the form scheme://host[:port][/path][?query]`,
    );
  const [, scheme = "", host = "", digits, target = "/"] = parts;
  const kind = SCHEMES[scheme.toLowerCase()];
  if (kind === undefined)
    throw new SimulatorError("malformed-request", `the scheme ${scheme} is none of ${Object.keys(SCHEMES).join(", ")}`);
  const port = digits === undefined ? kind.port : Number(digits);
  if (port === undefined) throw new SimulatorError("malformed-request", `${input.url} needs a port`);
  if (port < 1 || port > 65_535) throw new SimulatorError("malformed-request", `${port} is no port`);
  const protocol: Connection["protocol"] = kind.protocol === "tcp" ? "tcp" : (input.protocol ?? kind.protocol);
  const path = target.startsWith("?") ? `/${target}` : target;
  const isName = !/^(\[.*\]|[\d.]+)$/.test(host);
  const known = kind.tls && protocol !== "tcp" ? (protocol === "http/2" ? ["h2"] : ["http/1.1"]) : [];
  const base = {
    host,
    port,
    tls: kind.tls,
    protocol,
    sni: input.sni ?? (kind.tls && isName ? host : ""),
    alpn: input.alpn ?? known,
  };
  if (protocol === "tcp") {
    if (Object.keys(input.headers ?? {}).length > 0 || input.method)
      throw new SimulatorError("malformed-request", `${scheme} has no method and no headers`);
    return base;
  }
  const grpc = scheme.toLowerCase().startsWith("grpc");
  const method = (input.method ?? (grpc ? "POST" : "GET")).toUpperCase();
  const connect = method === "CONNECT";
  const headers = new Map<string, string>([
    [":authority", port === kind.port && !connect ? host : `${host}:${port}`],
    [":method", method],
    ...(connect ? [] : [[":path", path] as const]),
    [":scheme", kind.tls ? "https" : "http"],
    ...(grpc ? [["content-type", "application/grpc"] as const] : []),
    ...(scheme.toLowerCase().startsWith("ws") ? UPGRADE : []),
  ]);
  for (const [name, value] of Object.entries(input.headers ?? {}))
    headers.set(checkedName(name), checkedValue(name, value));
  if (connect) return { ...base, http: { path: "", pathname: "", headers, metadata: new Map() } };
  const query = path.indexOf("?");
  const pathname = query < 0 ? path : path.slice(0, query);
  return {
    ...base,
    http: { path, pathname, headers, metadata: new Map(), ...(input.claims && { claims: input.claims }) },
  };
}

function checkedName(name: string): string {
  if (/^:?[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return headerKey(name);
  throw new SimulatorError("malformed-request", `${JSON.stringify(name)} is no header name`);
}

function checkedValue(name: string, value: string | readonly string[]): string {
  const text = typeof value === "string" ? value : value.join(",");
  for (let index = 0; index < text.length; index++)
    if (text.charCodeAt(index) < 32 && text[index] !== "\t")
      throw new SimulatorError("malformed-request", `header ${name} holds a control character`);
  return text;
}
