import { readUpdate, type Update } from "../src/client/update.ts";
import { decode, encode } from "../src/proto/codec.ts";
import { resourceType } from "../src/resource-type.ts";
import type { DiscoveryServer } from "../src/server/discovery-server.ts";
import type { Peer } from "../src/server/peer.ts";

/** A client of the server without a network between them, for tests: it answers only when it is told to. */
export interface TestClient {
  /** Sends a request; the first one gets the node. */
  request(request: Record<string, unknown>): void;
  /** Sends bytes as they are. */
  raw(bytes: Uint8Array): void;
  /** Responses not yet taken, oldest first. */
  readonly inbox: Update[];
  /** Takes the next response, after giving the server time for it. */
  next(): Promise<Update>;
  /** Takes the next response and accepts it, or rejects it. `names`: what a state-of-the-world client wants. */
  take(names?: readonly string[], error?: string): Promise<Update>;
  /** Nonce of the latest response of a type, by its short name. */
  lastNonce(shortName: string): string;
  readonly status: { code: number; message: string } | undefined;
  /** Makes the transport hold on to what it is given until `drain`. */
  stall(): void;
  drain(): void;
  close(): void;
}

const PEER: Peer = {
  address: "127.0.0.1:1",
  transport: "tls",
  certificate: undefined,
  identities: [],
  metadata: () => [],
};

/** Lets everything that is due happen. */
export async function settle(turns = 6): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export function testClient(
  server: DiscoveryServer,
  mode: "sotw" | "delta",
  options: { readonly node?: object; readonly peer?: Partial<Peer>; readonly typeUrl?: string } = {},
): TestClient {
  const inbox: Update[] = [];
  let status: TestClient["status"];
  let stalled = false;
  const held: (() => void)[] = [];
  const nonces = new Map<string, string>();
  let nodeSent = false;
  const stream = server.accept({
    mode,
    peer: { ...PEER, ...options.peer },
    typeUrl: options.typeUrl,
    send(bytes, done) {
      const update = readUpdate(mode, Buffer.from(bytes));
      nonces.set(resourceType(update.typeUrl).shortName, update.nonce);
      inbox.push(update);
      // The schema's own reader must agree that it is a response.
      decode(`envoy.service.discovery.v3.${mode === "delta" ? "Delta" : ""}DiscoveryResponse`, bytes);
      if (stalled) held.push(done);
      else setImmediate(done);
    },
    end(code, message) {
      status = { code, message };
    },
  });
  const client: TestClient = {
    inbox,
    get status() {
      return status;
    },
    request(request) {
      const node = options.node ?? { id: "test", userAgentName: "envoy", userAgentVersion: "1.40.0" };
      const body = nodeSent ? request : { node, ...request };
      nodeSent = true;
      stream.receive(encode(`envoy.service.discovery.v3.${mode === "delta" ? "Delta" : ""}DiscoveryRequest`, body));
    },
    lastNonce: (shortName) => nonces.get(shortName) ?? "",
    raw: (bytes) => stream.receive(bytes),
    async next() {
      for (let turn = 0; turn < 50 && inbox.length === 0; turn++) await settle(1);
      const update = inbox.shift();
      if (!update) throw new Error("no response came");
      return update;
    },
    async take(names, error) {
      const update = await client.next();
      client.request({
        typeUrl: update.typeUrl,
        responseNonce: update.nonce,
        ...(mode === "sotw" && { versionInfo: update.version, resourceNames: names ?? [] }),
        ...(error !== undefined && { errorDetail: { code: 13, message: error } }),
      });
      await settle();
      return update;
    },
    stall() {
      stalled = true;
    },
    drain() {
      stalled = false;
      for (const done of held.splice(0)) done();
    },
    close: () => stream.close("gone"),
  };
  return client;
}

/** `+name` for each resource of a response and `-name` for each removal. */
export function summary({ resources, removed }: Update): string {
  return [...resources.map(({ name }) => `+${name}`), ...removed.map((name) => `-${name}`)].join(" ");
}
