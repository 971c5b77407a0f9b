import { Agent, createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { Asked } from "./differential-arbitrary.ts";
import { tokenOf } from "./token.ts";

/** What a client and the backends notice of one request. */
export interface Observed {
  readonly status: number;
  readonly location?: string;
  readonly body: string;
  /** Of the answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the backend got, when the request was forwarded. */
  readonly got?: Got;
}

export interface Got {
  /** `ADDRESS:PORT` of the backend. */
  readonly by: string;
  readonly path: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
}

const WATCHED = ["x-a", "x-b", "x-c", "x-d", "x-r", "end-user", "cookie"];

/** The headers that are compared, values of several lines joined as Envoy joins them. */
export function watched(read: (name: string) => string | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    WATCHED.flatMap((name) => {
      const value = read(name);
      return value === undefined ? [] : [[name, value.replaceAll(", ", ",")] as const];
    }),
  );
}

const text = (headers: IncomingHttpHeaders) => (name: string) =>
  headers[name] === undefined ? undefined : String(headers[name]);

/** A backend that answers what it got. Whoever starts it closes it. */
export async function startBackend(address: string, port: number): Promise<AsyncDisposable> {
  const server = createServer(({ url = "", headers }, response) => {
    const got: Got = { by: `${address}:${port}`, path: url, host: headers.host ?? "", headers: watched(text(headers)) };
    response
      .setHeader("x-r", "backend")
      .setHeader("x-echo", encodeURIComponent(JSON.stringify(got)))
      .end();
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, address, resolve));
  return {
    [Symbol.asyncDispose]: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
  };
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** Sends a request to a proxy. */
export function observe(address: string, port: number, asked: Asked): Promise<Observed> {
  const { method, path } = asked;
  const authorization = asked.claims && { authorization: `Bearer ${tokenOf(asked.claims)}` };
  const headers = { ...asked.headers, host: asked.host, ...authorization };
  return new Promise((resolve, reject) => {
    const call = httpRequest({ agent, host: address, port, path, method, headers, timeout: 10_000 }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => {
        const { location, "x-echo": echo } = response.headers;
        resolve({
          status: response.statusCode ?? 0,
          ...(location !== undefined && { location }),
          body,
          headers: watched(text(response.headers)),
          ...(typeof echo === "string" && { got: JSON.parse(decodeURIComponent(echo)) as Got }),
        });
      });
    });
    call.on("timeout", () => call.destroy(new Error("no answer in 10 s")));
    call.on("error", reject);
    call.end();
  });
}

export function closeClients(): void {
  agent.destroy();
}
