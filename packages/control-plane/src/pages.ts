import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIP, type Socket } from "node:net";
import { ControlPlaneError } from "./control-plane-error.ts";

/** What a page answers: text, or a value that is shown as JSON. */
export type Page =
  | { readonly status?: number; readonly text: string }
  | { readonly status?: number; readonly json: unknown };

/** A request, as authenticators see it. */
export interface PageCall {
  /** Address and port of the caller. */
  readonly peer: string;
  /** None: these pages are not served over TLS. */
  readonly certificate: undefined;
  metadata(header: string): readonly string[];
}

export interface PagesOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly address: string;
  /** Whether a caller from another machine, or one that a proxy on this one speaks for, may read pages under `/debug`. Default: none may. */
  readonly authorize?: (call: PageCall) => Promise<boolean>;
  /** By path. The query comes with the call. */
  readonly pages: Readonly<Record<string, (query: URLSearchParams) => Page | Promise<Page>>>;
}

export interface Pages {
  /** `HOST:PORT`, the port as bound. */
  readonly address: string;
  close(): Promise<void>;
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (address === "::1" || /^(::ffff:)?127\./.test(address));
}

/**
 * Serves health, metrics and debug pages over HTTP. Pages under `/debug` tell much: callers on this machine, by a name of it
 * (so that no page of a browser can ask under a name of its own), and those of others who may.
 */
export async function listenPages(options: PagesOptions): Promise<Pages> {
  const colon = options.address.lastIndexOf(":");
  const host = options.address.slice(0, colon).replace(/^\[|\]$/g, "");
  const server: Server = createServer((request, response) => void answer(options, request, response));
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(new ControlPlaneError("listen-failed", `${options.address}: ${error.message}`, { cause: error })),
    );
    server.listen(Number(options.address.slice(colon + 1)), host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    address: `${options.address.slice(0, colon)}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Whether a request may see debug pages: of this machine, or let in by `authorize`. */
export async function mayDebug(
  authorize: PagesOptions["authorize"],
  {
    socket,
    headers,
  }: Pick<IncomingMessage, "headers"> & { readonly socket: Pick<Socket, "remoteAddress" | "remotePort"> },
): Promise<boolean> {
  const { remoteAddress, remotePort } = socket;
  const host = (headers.host ?? "").replace(/:\d*$/, "");
  if (isLoopback(remoteAddress) && (host === "localhost" || isIP(host.replace(/^\[|\]$/g, "")) > 0)) return true;
  const metadata = (name: string) => {
    const value = headers[name.toLowerCase()];
    return value === undefined ? [] : [value].flat();
  };
  const peer = `${remoteAddress}:${remotePort}`;
  return (await authorize?.({ peer, certificate: undefined, metadata })) ?? false;
}

async function answer(options: PagesOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pages } = options;
  const url = URL.parse(request.url ?? "/", "http://localhost");
  const send = (status: number, type: string, body: string) =>
    response.writeHead(status, { "content-type": type, "x-content-type-options": "nosniff" }).end(body);
  if (!url) return void send(400, "text/plain", "that is no path\n");
  const page = Object.hasOwn(pages, url.pathname) ? pages[url.pathname] : undefined;
  if (request.method !== "GET" && request.method !== "HEAD") return void send(405, "text/plain", "only GET\n");
  if (!page)
    return void send(
      404,
      "text/plain",
      `there is no page ${url.pathname}; there are\n${Object.keys(pages).join("\n")}\n`,
    );
  if (url.pathname.startsWith("/debug") && !(await mayDebug(options.authorize, request)))
    return void send(
      403,
      "text/plain",
      "debug pages answer callers on this machine, and those who may by a credential\n",
    );
  try {
    const made = await page(url.searchParams);
    if ("text" in made) send(made.status ?? 200, "text/plain; version=0.0.4; charset=utf-8", made.text);
    else send(made.status ?? 200, "application/json", `${JSON.stringify(made.json, undefined, 2)}\n`);
  } catch (error) {
    send(500, "text/plain", `${(error as Error).message}\n`);
  }
}
