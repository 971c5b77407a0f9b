/** One connection, as the proxy that accepts it sees it. */
export interface Connection {
  /** What was dialled: with redirection, the original destination. */
  readonly destination: { readonly address: string; readonly port: number };
  readonly source: { readonly address: string; readonly port: number };
  readonly tls: boolean;
  readonly sni: string;
  /** What the client offers in TLS, in its order. */
  readonly alpn: readonly string[];
  /** URI names of the client certificate; absent: none is shown. */
  readonly peer?: {
    readonly uris: readonly string[];
    readonly dnsNames?: readonly string[];
    readonly subject?: string;
  };
  /** What is spoken inside TLS, or plainly. */
  readonly protocol: "http/1.1" | "http/2" | "tcp";
}

/** One request, as matchers see it. */
export interface HttpSubject {
  readonly connection: Connection;
  /** With query. */
  readonly path: string;
  /** Without query. */
  readonly pathname: string;
  /** By lower-case name; `:path`, `:method`, `:authority` and `:scheme` among them. */
  readonly headers: ReadonlyMap<string, string>;
  /** Dynamic metadata by filter name. */
  readonly metadata: ReadonlyMap<string, unknown>;
  /** Claims of a token that is taken as genuine, when the request carries one. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** The subject with some pseudo headers or headers replaced. */
export function withHeaders(subject: HttpSubject, edits: Readonly<Record<string, string>>): HttpSubject {
  const headers = new Map(subject.headers);
  for (const [name, value] of Object.entries(edits)) headers.set(name, value);
  const path = headers.get(":path") ?? "";
  const query = path.indexOf("?");
  return { ...subject, headers, path, pathname: query < 0 ? path : path.slice(0, query) };
}
