import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { HttpRbac, Listener, RouteConfiguration } from "../../src/envoy.ts";
import { evaluateResources } from "../../src/evaluate-resources.ts";
import { parseRequest, type RequestInput } from "../../src/request.ts";
import type { Random } from "./random.ts";
import { HOSTS, NAMES, PATHS, VALUES } from "./routes.ts";

/** What a client and a backend notice of one request. */
export interface Seen {
  readonly status: number;
  readonly location?: string;
  readonly body?: string;
  /** The CORS headers of an answer that the proxy gave to a preflight request. */
  readonly cors?: string;
  /** What the backend got, when the request was forwarded. */
  readonly forwarded?: Readonly<Record<string, string>>;
}

const WATCHED = ["x-route", "x-host", "x-a", "x-b"] as const;

/** An HTTP listener with these routes, on loopback. */
export function listenerOf(
  name: string,
  port: number,
  routeConfig: RouteConfiguration,
  more: object = {},
  rbac?: HttpRbac,
): Listener {
  const filter = (filterName: string, type: string, config: object = {}) => ({
    name: filterName,
    typedConfig: { "@type": `type.googleapis.com/envoy.extensions.filters.http.${type}`, ...config },
  });
  const manager = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    statPrefix: name,
    routeConfig,
    httpFilters: [
      filter("envoy.filters.http.cors", "cors.v3.Cors"),
      ...(rbac ? [filter("envoy.filters.http.rbac", "rbac.v3.RBAC", rbac)] : []),
      filter("envoy.filters.http.fault", "fault.v3.HTTPFault"),
      filter("envoy.filters.http.router", "router.v3.Router"),
    ],
    ...more,
  };
  return {
    name,
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    filterChains: [{ filters: [{ name: "envoy.filters.network.http_connection_manager", typedConfig: manager }] }],
  };
}

export function randomRequest(random: Random): RequestInput {
  const headers: Record<string, string> = { host: random.pick(HOSTS) };
  for (const name of NAMES) if (random.chance(0.4)) headers[name] = random.pick(VALUES);
  const preflight = random.chance(0.15);
  if (preflight || random.chance(0.1)) headers.origin = random.pick(["http://a.com", "http://b.com", "null"] as const);
  if (preflight && random.chance(0.8)) headers["access-control-request-method"] = "PUT";
  // A request for another protocol: an upgrade that is allowed here and there.
  if (random.chance(0.1)) {
    headers.connection = "upgrade";
    headers.upgrade = random.pick(["websocket", "other", "WebSocket"] as const);
  }
  const query = random.pick(["", "", "?q=1", "?q", "?q=2&q=1", "?z=", "?"] as const);
  return {
    url: `http://127.0.0.1${random.pick(PATHS)}${query}`,
    method: preflight ? "OPTIONS" : random.pick(["GET", "POST", "DELETE"] as const),
    headers,
  };
}

/** What ought to come of a request. */
export function predicted(listener: Listener, port: number, input: RequestInput): Seen {
  const { http } = parseRequest(input);
  if (!http) throw new Error("no HTTP");
  const connection = {
    destination: { address: "127.0.0.1", port },
    source: { address: "127.0.0.1", port: 40_000 },
    tls: false,
    sni: "",
    alpn: [],
    protocol: "http/1.1",
  } as const;
  const [branch, ...others] = evaluateResources(
    { listeners: [listener] },
    { entry: "bound", connection, request: http },
  ).branches;
  if (!branch || others.length > 0) throw new Error("one way was expected");
  if (branch.kind === "closed") return { status: 0, body: branch.reason };
  if (branch.kind === "forward") {
    const watched = WATCHED.flatMap((name) => {
      const value = branch.headers.get(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    return {
      status: 200,
      forwarded: {
        path: branch.headers.get(":path") ?? "",
        host: branch.headers.get(":authority") ?? "",
        ...Object.fromEntries(watched),
      },
    };
  }
  const { status, headers, body, by } = branch.reply;
  return {
    status,
    ...(headers?.location !== undefined && { location: headers.location }),
    ...(by === "cors" && {
      cors: Object.entries(headers ?? {})
        .map(([name, value]) => `${name}: ${value}`)
        .sort()
        .join("; "),
    }),
    ...(by === "direct response" && body !== undefined && { body }),
  };
}

const agent = new Agent({ keepAlive: true, maxSockets: 4 });

/** What does come of it. The backend answers what it got as JSON in the header `x-echo`. */
export function observed(port: number, input: RequestInput): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const path = input.url.replace(/^http:\/\/127\.0\.0\.1/, "");
    const headers = { ...(input.headers as Record<string, string>) };
    const call = httpRequest(
      { agent, host: "127.0.0.1", port, path, method: input.method ?? "GET", headers, timeout: 10_000 },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => {
          const { location } = response.headers;
          const echo = response.headers["x-echo"];
          const status = response.statusCode ?? 0;
          if (typeof echo === "string") {
            const got = JSON.parse(echo) as Record<string, string>;
            resolve({ status, forwarded: got });
          } else
            resolve({
              status,
              ...(location !== undefined && { location }),
              ...(/^h\d+r\d+$/.test(body) && { body }),
              ...corsOf(input, status, response.headers),
            });
        });
      },
    );
    call.on("timeout", () => call.destroy(new Error("no answer in 10 s")));
    call.on("error", reject);
    call.end();
  });
}

/** Only the CORS filter answers 200 without a body here. */
function corsOf(input: RequestInput, status: number, headers: IncomingHttpHeaders): { readonly cors?: string } {
  if (input.method !== "OPTIONS" || status !== 200 || headers["content-length"] !== "0") return {};
  const own = Object.entries(headers).filter(([name]) => name.startsWith("access-control-"));
  return {
    cors: own
      .map(([name, value]) => `${name}: ${String(value)}`)
      .sort()
      .join("; "),
  };
}

/** The answer of the backend to a request, for its `x-echo`. */
export function echo(path: string, headers: Readonly<Record<string, string | string[] | undefined>>): string {
  const watched = WATCHED.flatMap((name) =>
    headers[name] === undefined ? [] : [[name, String(headers[name]).replaceAll(", ", ",")] as const],
  );
  return JSON.stringify({ path, host: String(headers.host ?? ""), ...Object.fromEntries(watched) });
}
