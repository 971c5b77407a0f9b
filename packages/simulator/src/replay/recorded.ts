import type { RequestInput } from "../request.ts";

/** The requests of a record, and the lines that are none. */
export interface RecordedRequests {
  readonly requests: readonly RequestInput[];
  readonly skipped: readonly { readonly line: number; readonly reason: string }[];
}

/**
 * Reads the requests of an access log or a HAR file. Logs: a request a line, in Envoy's default text format, Istio's, or JSON with
 * Istio's keys; they record method, path, authority, user agent and protocol, and no other headers. HAR: all headers.
 */
export function recordedRequests(text: string): RecordedRequests {
  const har = parsed(text);
  const entries = record(record(har).log).entries;
  if (Array.isArray(entries)) return collect(entries.map((entry) => ofHar(record(record(entry).request))));
  return collect(text.split("\n").map((line) => (line.trim() === "" ? undefined : ofLine(line))));
}

function collect(found: readonly (RequestInput | string | undefined)[]): RecordedRequests {
  return {
    requests: found.filter((one) => typeof one === "object"),
    skipped: found.flatMap((reason, index) => (typeof reason === "string" ? [{ line: index + 1, reason }] : [])),
  };
}

function ofLine(line: string): RequestInput | string {
  if (line.trimStart().startsWith("{")) {
    const json = parsed(line);
    return json === undefined ? "is no JSON" : ofFields(record(json));
  }
  const [, method, path, protocol] = /^\[[^\]]*\] "(\S+) (\S+) (\S+)" /.exec(line) ?? [];
  // After the duration: client address, user agent, request id, authority, upstream host; Istio goes on with the cluster.
  const [, agent, authority, cluster, local] =
    /"[^"]*" "([^"]*)" "[^"]*" "([^"]*)" "[^"]*"(?: (\S+) \S+ (\S+))?/.exec(line.slice(line.indexOf('" ') + 1)) ?? [];
  if (method === undefined || authority === undefined) return "is not in Envoy's default format";
  return ofFields({
    method,
    path,
    protocol,
    user_agent: agent,
    authority,
    upstream_cluster: cluster,
    downstream_local_address: local,
  });
}

function ofFields(fields: Readonly<Record<string, unknown>>): RequestInput | string {
  const text = (name: string) => {
    const value = fields[name];
    return typeof value === "string" && value !== "-" && value !== "" ? value : undefined;
  };
  const [method, path, authority] = [text("method"), text("path"), text("authority")];
  if (method === undefined || path === undefined || authority === undefined)
    return "names no method, path and authority";
  const written = /:\d+$/.test(authority);
  const port =
    /^outbound\|(\d+)\|/.exec(text("upstream_cluster") ?? "")?.[1] ??
    /:(\d+)$/.exec(text("downstream_local_address") ?? "")?.[1];
  const agent = text("user_agent");
  return {
    url: `http://${authority}${written || port === undefined ? "" : `:${port}`}${path}`,
    method,
    headers: { ...(written ? {} : { host: authority }), ...(agent === undefined ? {} : { "user-agent": agent }) },
    ...(text("protocol") === "HTTP/2" && { protocol: "http/2" }),
  };
}

function ofHar({ method, url, headers }: Readonly<Record<string, unknown>>): RequestInput | string {
  if (typeof url !== "string" || typeof method !== "string") return "an entry has no method and URL";
  const pairs = (Array.isArray(headers) ? headers : []).flatMap((header): (readonly [string, string])[] => {
    const { name, value } = record(header);
    // HTTP/2's pseudo headers are the URL and method once more.
    return typeof name === "string" && typeof value === "string" && !name.startsWith(":") ? [[name, value]] : [];
  });
  return { url: url.replace(/#.*$/, ""), method, headers: Object.fromEntries(pairs) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
