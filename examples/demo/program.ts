import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** What a workload of the sample answers: who it is, who called it (as its proxy saw it), and what it got from others. */
export interface Answer {
  readonly service: string;
  readonly version: string;
  /** SPIFFE ID of the caller, from the `x-forwarded-client-cert` header that the proxy sets. */
  readonly caller: string;
  /** SHA-256 of the caller's certificate: another one after a rotation. */
  readonly certificate: string;
  readonly calls: readonly Answer[];
}

export interface ProgramOptions {
  readonly service: string;
  readonly version: string;
  /** Address the program listens on, at port 8080. */
  readonly address: string;
  /** Where its proxy takes what it calls. */
  readonly outbound: string;
  /** Services it calls for each request. */
  readonly calls: readonly string[];
}

/** GET, one connection a call, so that every call is routed on its own. */
export function get(
  address: string,
  port: number,
  host: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: address, port, path, headers: { ...headers, host }, agent: false, timeout: 10_000 },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
        );
        response.on("error", reject);
      },
    );
    call.on("timeout", () => call.destroy(new Error(`${host} did not answer within 10 s`)));
    call.on("error", reject);
    call.end();
  });
}

/** Starts a workload: a plain HTTP server that knows nothing of the mesh. Gives what stops it. */
export async function startProgram(options: ProgramOptions): Promise<() => Promise<void>> {
  const { service, version, address, outbound, calls } = options;
  const server = createServer(async (incoming, response) => {
    const text = (name: string) => String(incoming.headers[name] ?? "");
    const certificate = text("x-forwarded-client-cert");
    const user = text("end-user");
    const passed = ["x-request-id", "traceparent"].flatMap((name) =>
      incoming.headers[name] ? [[name, text(name)] as const] : [],
    );
    const headers = { ...Object.fromEntries(passed), ...(user ? { "end-user": user } : {}) };
    try {
      const answers = await Promise.all(
        calls.map(async (callee) => {
          const { status, body } = await get(outbound, 9080, `${callee}:9080`, incoming.url ?? "/", headers);
          if (status !== 200) throw new Error(`${callee} answered ${status}: ${body.slice(0, 200)}`);
          return JSON.parse(body) as Answer;
        }),
      );
      const answer: Answer = {
        service,
        version,
        caller: /URI=([^;,]+)/.exec(certificate)?.[1] ?? "",
        certificate: /Hash=([0-9a-f]+)/.exec(certificate)?.[1] ?? "",
        calls: answers,
      };
      response.setHeader("content-type", "application/json").end(JSON.stringify(answer));
    } catch (error) {
      response.writeHead(502).end(`${service} ${version}: ${(error as Error).message}`);
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(8080, address, resolve);
  });
  const at = server.address() as AddressInfo;
  if (at.address !== address) throw new Error(`${service} listens on ${at.address} instead of ${address}`);
  return () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections());
}
