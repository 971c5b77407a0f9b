import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ConsulEntry } from "../src/consul/catalog.ts";

/** A Consul agent on 127.0.0.1: the catalog and health endpoints, with blocking queries. */
export interface FakeConsul {
  readonly url: string;
  /** Sets a service's instances; undefined removes it. */
  set(name: string, entries: readonly ConsulEntry[] | undefined): void;
  /** From now on every request is answered with this status; undefined: normally. */
  fail(status: number | undefined): void;
  /** The index starts again, as after a restored snapshot. */
  resetIndex(): void;
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export async function fakeConsul(token?: string): Promise<FakeConsul> {
  const services = new Map<string, readonly ConsulEntry[]>();
  const requests: string[] = [];
  const waiting = new Set<() => void>();
  let index = 100;
  let failure: number | undefined;
  const wake = () => {
    for (const answer of [...waiting]) answer();
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    requests.push(url.pathname + url.search);
    if (token !== undefined && request.headers["x-consul-token"] !== token)
      return reply(response, 403, "ACL not found");
    if (failure !== undefined) return reply(response, failure, "asked to fail");
    const answer = () => {
      waiting.delete(answer);
      response.setHeader("x-consul-index", index);
      const name = /^\/v1\/health\/service\/([^/]+)$/.exec(url.pathname)?.[1];
      if (name !== undefined) reply(response, 200, services.get(decodeURIComponent(name)) ?? []);
      else if (url.pathname === "/v1/catalog/services")
        reply(response, 200, Object.fromEntries([["consul", []], ...[...services.keys()].map((key) => [key, []])]));
      else reply(response, 404, "no such endpoint");
    };
    const asked = Number(url.searchParams.get("index") ?? 0);
    if (asked !== index || !url.searchParams.has("wait")) return answer();
    waiting.add(answer);
    const timer = setTimeout(answer, Number.parseFloat(url.searchParams.get("wait") ?? "0") * 1000);
    response.on("close", () => {
      clearTimeout(timer);
      waiting.delete(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    set(name, entries) {
      if (entries === undefined) services.delete(name);
      else services.set(name, entries);
      index++;
      wake();
    },
    fail(status) {
      failure = status;
      if (status !== undefined) server.closeAllConnections();
    },
    resetIndex() {
      index = 1;
      wake();
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
