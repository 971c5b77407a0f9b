import { Agent, createServer, type IncomingHttpHeaders, request } from "node:http";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";

/** What a program behind a proxy got. */
export interface Got {
  /** Name of the program. */
  readonly by: string;
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/** A server that counts what reaches it. Whoever starts it disposes of it. */
export interface Counted extends AsyncDisposable {
  hits: number;
}

const closing = (server: Server, sockets: ReadonlySet<Socket>) => () =>
  new Promise<void>((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });

function tracked(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
  });
  return sockets;
}

async function listening(server: Server, at: string): Promise<void> {
  const colon = at.lastIndexOf(":");
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    if (at.startsWith("/")) server.listen(at, resolve);
    else server.listen(Number(at.slice(colon + 1)), at.slice(0, colon), resolve);
  });
}

/** What an {@link startEcho} does besides: the status of an answer, and milliseconds before it. */
export type Conduct = (got: Got) => { readonly status?: number; readonly after?: number } | undefined;

/** An HTTP server at `ADDRESS:PORT` (or a path) that answers what it got as {@link Got}. */
export async function startEcho(by: string, at: string, conduct: Conduct = () => undefined): Promise<Counted> {
  const echo = createServer(({ url: path = "", method = "", headers }, response) => {
    counted.hits++;
    const got: Got = { by, path, method, headers };
    const { status = 200, after = 0 } = conduct(got) ?? {};
    const answer = () => response.writeHead(status, { "x-by": by }).end(JSON.stringify(got));
    if (after > 0) setTimeout(answer, after);
    else answer();
  });
  const sockets = tracked(echo);
  await listening(echo, at);
  const counted: Counted = { hits: 0, [Symbol.asyncDispose]: closing(echo, sockets) };
  return counted;
}

/** A TCP server at `ADDRESS:PORT` (or a path) that answers the first bytes with `NAME: ` and those, and ends. */
export async function startReply(by: string, at: string): Promise<Counted> {
  const reply = createTcpServer((socket) => {
    counted.hits++;
    socket.once("data", (bytes) => socket.end(`${by}: ${bytes.toString("latin1")}`));
  });
  const sockets = tracked(reply);
  await listening(reply, at);
  const counted: Counted = { hits: 0, [Symbol.asyncDispose]: closing(reply, sockets) };
  return counted;
}

export interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: a connection of its own. */
  readonly agent?: Agent;
  /** Where the connection comes from. */
  readonly localAddress?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** What the program got, where one answered. */
  readonly got: Got | undefined;
}

/** One request at `ADDRESS:PORT` for `host`. */
export function ask(at: string, host: string, asked: Asked = {}): Promise<Answered> {
  const colon = at.lastIndexOf(":");
  const { method = "GET", path = "/", headers = {}, agent, localAddress } = asked;
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...(at.startsWith("/")
          ? { socketPath: at }
          : { host: at.slice(0, colon).replaceAll(/[[\]]/g, ""), port: Number(at.slice(colon + 1)) }),
        ...(localAddress === undefined ? {} : { localAddress }),
        method,
        path,
        headers: { ...headers, host },
        agent: agent ?? false,
        timeout: 10_000,
      },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => {
          const got = response.headers["x-by"] === undefined ? undefined : (JSON.parse(body || "null") as Got);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, got });
        });
        response.on("error", reject);
      },
    );
    call.on("timeout", () => call.destroy(new Error(`${host} did not answer within 10 s`)));
    call.on("error", reject);
    call.end();
  });
}

/** Makes so many requests, `parallel` at a time, and counts their answers by what `of` says of them. */
export async function tally(
  requests: number,
  make: (agent: Agent) => Promise<string>,
  parallel = 20,
): Promise<Readonly<Record<string, number>>> {
  const agent = new Agent({ keepAlive: true, maxSockets: parallel });
  const counts: Record<string, number> = {};
  let left = requests;
  const worker = async () => {
    while (left-- > 0) {
      const name = await make(agent);
      counts[name] = (counts[name] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  agent.destroy();
  return counts;
}
