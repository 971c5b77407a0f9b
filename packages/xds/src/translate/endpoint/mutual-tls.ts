import type { DestinationRule, TrafficPolicy } from "@fairlead/config";
import { peerAuthenticationFor, type Reader, rootNamespaceOf } from "@fairlead/mesh";
import type { Endpoint } from "@fairlead/model";

/** A policy's TLS mode for a port. Unlike other settings it is inherited where the port's own settings have none. */
function modeForPort(policy: TrafficPolicy | undefined, port: number): string | undefined {
  const own = policy?.portLevelSettings?.find((settings) => settings.port?.number === port && settings.tls)?.tls;
  const tls = own ?? policy?.tls;
  return tls && (tls.mode ?? "DISABLE");
}

/**
 * Says of endpoints whether mesh mTLS is used towards them, given that they have a proxy: the rule decides, else the
 * PeerAuthentication of each workload and port.
 */
export function mutualTlsCheck(
  read: Reader,
  rule: DestinationRule | undefined,
  subset: string,
  port: number,
): (endpoint: Pick<Endpoint, "namespace" | "labels">, endpointPort: number) => boolean {
  const own = subset === "" ? undefined : rule?.subsets?.find(({ name }) => name === subset)?.trafficPolicy;
  const stated = modeForPort(own, port) ?? modeForPort(rule?.trafficPolicy, port);
  if (stated !== undefined) return () => stated === "ISTIO_MUTUAL";
  const root = rootNamespaceOf(read);
  const known = new Map<string, boolean>();
  const hasPolicies = (namespace: string): boolean => {
    let has = known.get(namespace);
    if (has === undefined) {
      has = (read.bucket("config", `PeerAuthentication/${namespace}`) ?? []).length > 0;
      known.set(namespace, has);
    }
    return has;
  };
  const rootHasPolicies = hasPolicies(root);
  return ({ namespace, labels }, endpointPort) => {
    if (!rootHasPolicies && !hasPolicies(namespace)) return true;
    const { mode, ports } = peerAuthenticationFor(read, namespace, labels);
    return (ports[endpointPort] ?? mode) !== "DISABLE";
  };
}
