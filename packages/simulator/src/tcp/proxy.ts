import { type FilterChain, integer } from "../envoy.ts";
import type { Branch, Closed } from "../evaluation.ts";
import { applyRbac } from "../filter/rbac.ts";
import { compileChain } from "../listener/compiled-chain.ts";
import type { Connection } from "../subject.ts";
import type { Tracer } from "../trace.ts";

/** The network filters before the one that proxies: a refusal, or nothing. */
export function networkRefusal(chain: FilterChain, connection: Connection, tracer?: Tracer): Closed | undefined {
  for (const rbac of compileChain(chain).rbac) {
    const { reply } = applyRbac(rbac, { connection, remoteAddress: connection.source.address }, tracer);
    if (reply)
      return {
        kind: "closed",
        share: 1,
        failure: "denied",
        reason: "the network RBAC filter denies the connection",
        ...(reply.rule !== undefined && { rule: reply.rule }),
      };
  }
  return undefined;
}

/** The branches of a TCP proxy; undefined when the chain has none. */
export function evaluateTcp(
  chain: FilterChain,
  connection: Connection,
  tracer?: Tracer,
): readonly Branch[] | undefined {
  const { proxy, clusterBySni } = compileChain(chain);
  if (proxy === undefined) return undefined;
  const filter = chain.filters?.find(({ typedConfig }) => (typedConfig as object | undefined) === proxy);
  const nodes = filter ? [proxy, filter] : [proxy];
  const forward = (cluster: string, share: number): Branch => ({
    kind: "forward",
    share,
    cluster,
    headers: new Map(),
    requestHeaders: [],
    responseHeaders: [],
    mirrors: [],
    delays: [],
  });
  // The SNI cluster filter names the cluster after what the client asked for.
  if (clusterBySni && connection.sni) {
    tracer?.add("tcp proxy", connection.sni, true, "the server name is the cluster", nodes);
    return [forward(connection.sni, 1)];
  }
  const weighted = proxy.weightedClusters?.clusters;
  if (weighted === undefined) {
    tracer?.add("tcp proxy", proxy.cluster ?? "", true, "the only cluster", nodes);
    return [forward(proxy.cluster ?? "", 1)];
  }
  const total = weighted.reduce((sum, { weight }) => sum + integer(weight), 0);
  return weighted.flatMap((one) => {
    const share = total === 0 ? 0 : integer(one.weight) / total;
    tracer?.add("weighted cluster", one.name ?? "", share > 0, `weight ${one.weight ?? 0} of ${total}`, [
      one,
      ...nodes,
    ]);
    return share > 0 ? [forward(one.name ?? "", share)] : [];
  });
}
