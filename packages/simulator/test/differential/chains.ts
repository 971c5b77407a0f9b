import { connect, createServer } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { FilterChain, Listener } from "../../src/envoy.ts";
import { evaluateResources } from "../../src/evaluate-resources.ts";
import type { Connection } from "../../src/subject.ts";
import type { Random } from "./random.ts";

/** Clusters that chains lead to, one each. */
export const CHAINS = 7;

/** What a client does: connects from an address and says something. */
export interface Contact {
  readonly source: string;
  readonly tls: boolean;
  readonly sni: string;
  readonly alpn: readonly string[];
  readonly http: boolean;
}

/** A TCP listener of filter chains that differ in what they ask for, no two alike: Envoy would refuse these. */
export function randomChains(random: Random, name: string, port: number): Listener {
  const chains = new Map<string, FilterChain>();
  const count = 2 + random.below(CHAINS - 1);
  while (chains.size < count) {
    const sni = random.pick(["", "", "a.test", "b.a.test", "*.a.test", "*.test"] as const);
    const transport = random.pick(["", "", "tls", "raw_buffer"] as const);
    const alpn = random.pick(["", "", "h2", "http/1.1"] as const);
    const source = random.pick(["", "", "127.0.0.0/8", "127.0.0.2/32"] as const);
    const [addressPrefix = "", prefixLen] = source.split("/");
    const match = {
      ...(sni && { serverNames: [sni] }),
      ...(transport && { transportProtocol: transport }),
      ...(alpn && { applicationProtocols: [alpn] }),
      ...(source && { sourcePrefixRanges: [{ addressPrefix, prefixLen: Number(prefixLen) }] }),
    };
    chains.set(JSON.stringify(match), chainTo(`to-${chains.size}`, match));
  }
  const inspector = (kind: string, type: string) => ({
    name: `envoy.filters.listener.${kind}`,
    typedConfig: { "@type": `type.googleapis.com/envoy.extensions.filters.listener.${kind}.v3.${type}` },
  });
  return {
    name,
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    listenerFilters: [
      ...(random.chance(0.8) ? [inspector("tls_inspector", "TlsInspector")] : []),
      ...(random.chance(0.5) ? [inspector("http_inspector", "HttpInspector")] : []),
    ],
    filterChains: [...chains.values()],
    ...(random.chance(0.3) && { defaultFilterChain: chainTo(`to-${CHAINS}`, {}) }),
  };
}

function chainTo(cluster: string, filterChainMatch: FilterChain["filterChainMatch"]): FilterChain {
  const typedConfig = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    statPrefix: cluster,
    cluster,
  };
  return {
    ...(filterChainMatch && Object.keys(filterChainMatch).length > 0 && { filterChainMatch }),
    filters: [{ name: "envoy.filters.network.tcp_proxy", typedConfig }],
  };
}

export function randomContact(random: Random): Contact {
  const tls = random.chance(0.7);
  return {
    source: random.pick(["127.0.0.1", "127.0.0.2"] as const),
    tls,
    sni: tls ? random.pick(["a.test", "b.a.test", "c.a.test", "A.TEST", "x.test", "other.org", ""] as const) : "",
    alpn: tls
      ? [...random.pick([[], ["h2"], ["http/1.1"], ["h2", "http/1.1"], ["http/1.1", "h2"], ["x"]] as const)]
      : [],
    http: !tls && random.chance(0.5),
  };
}

/** The cluster that ought to get the connection; empty: it is closed. */
export function predictedCluster(listener: Listener, port: number, { source, tls, sni, alpn, http }: Contact): string {
  const connection: Connection = {
    destination: { address: "127.0.0.1", port },
    source: { address: source, port: 40_000 },
    tls,
    sni,
    alpn,
    protocol: http ? "http/1.1" : "tcp",
  };
  const [branch] = evaluateResources({ listeners: [listener] }, { entry: "bound", connection }).branches;
  return branch?.kind === "forward" ? branch.cluster : "";
}

/** The cluster that does: its backend says which it is. */
export async function observedCluster(port: number, contact: Contact): Promise<string> {
  const words = contact.tls
    ? await clientHello(contact)
    : contact.http
      ? "GET / HTTP/1.1\r\nhost: a\r\n\r\n"
      : "hello, backend\n";
  return new Promise((resolve) => {
    let said = "";
    const socket = connect({ host: "127.0.0.1", port, localAddress: contact.source }, () => socket.write(words));
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
    socket.setTimeout(5000, () => socket.destroy());
    socket.on("error", () => undefined).on("close", () => resolve(said));
  });
}

/** The first thing that a TLS client says. */
function clientHello({ sni, alpn }: Contact): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read: () => undefined,
      write(chunk: Buffer, _, done) {
        resolve(chunk);
        done();
      },
    });
    const client = connectTls({
      socket: wire,
      ...(sni && { servername: sni }),
      ...(alpn.length > 0 && { ALPNProtocols: [...alpn] }),
    });
    client.on("error", () => undefined);
  });
}

/** Backends that say the name of their cluster and hang up. Whoever starts them closes them. */
export async function startNamed(): Promise<{ readonly clusters: readonly object[]; close(): void }> {
  const servers = await Promise.all(
    Array.from({ length: CHAINS + 1 }, async (_, index) => {
      const server = createServer((socket) => {
        socket.on("error", () => undefined);
        // Once the client has spoken: Envoy resets what is closed before.
        socket.once("data", () => socket.end(`to-${index}`));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const clusters = servers.map((server, index) => {
    const address = server.address();
    const portValue = typeof address === "object" ? (address?.port ?? 0) : 0;
    const endpoint = { address: { socketAddress: { address: "127.0.0.1", portValue } } };
    return {
      name: `to-${index}`,
      type: "STATIC",
      connectTimeout: "1s",
      loadAssignment: { clusterName: `to-${index}`, endpoints: [{ lbEndpoints: [{ endpoint }] }] },
    };
  });
  return { clusters, close: () => void servers.map((server) => server.close()) };
}
