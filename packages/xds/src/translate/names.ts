/**
 * Names of resources as Istio publishes them: dashboards, EnvoyFilters and habits rest on these.
 */

export type Direction = "outbound" | "inbound";

/** `outbound|9080|v2|reviews.default.svc.cluster.local`; inbound clusters have neither subset nor host. */
export function clusterName(direction: Direction, port: number, subset: string, host: string): string {
  return `${direction}|${port}|${subset}|${host}`;
}

/** The name as it travels in SNI between networks: `outbound_.9080_.v2_.reviews.default.svc.cluster.local`. */
export function sniClusterName(port: number, subset: string, host: string): string {
  return `outbound_.${port}_.${subset}_.${host}`;
}

export interface ClusterNameParts {
  readonly direction: Direction;
  readonly port: number;
  readonly subset: string;
  readonly host: string;
}

/** Takes a cluster name of either form apart; undefined for any other name. */
export function parseClusterName(name: string): ClusterNameParts | undefined {
  const match =
    /^(outbound|inbound)\|(\d+)\|([^|]*)\|(.*)$/.exec(name) ?? /^(outbound)_\.(\d+)_\.([^_]*?)_\.(.*)$/.exec(name);
  if (!match) return undefined;
  const [, direction, port, subset = "", host = ""] = match;
  return { direction: direction as Direction, port: Number(port), subset, host };
}

export const PASSTHROUGH_CLUSTER = "PassthroughCluster";
export const BLACKHOLE_CLUSTER = "BlackHoleCluster";
export const INBOUND_PASSTHROUGH_CLUSTER = "InboundPassthroughCluster";
export const VIRTUAL_OUTBOUND = "virtualOutbound";
export const VIRTUAL_INBOUND = "virtualInbound";
/** Static cluster of the bootstrap that leads to the agent's secrets. */
export const SDS_CLUSTER = "sds-grpc";
