import type { ConsistentHash, Destination, PortTrafficPolicy, TrafficPolicy } from "@fairlead/config";
import { destinationRuleOf, type Reader, serviceOfHost } from "@fairlead/mesh";
import type { ObjectRef, Service } from "@fairlead/model";
import type { RouteAction_HashPolicy } from "../../proto/types.ts";
import { durationOf } from "../listener/node-settings.ts";

/** What requests are hashed by, as Envoy knows it; undefined for settings without a key. Source: Istio API, `ConsistentHashLB`. */
export function hashPolicyOf(hash: ConsistentHash): RouteAction_HashPolicy | undefined {
  if (hash.httpHeaderName !== undefined) return { header: { headerName: hash.httpHeaderName } };
  if (hash.httpCookie) {
    const { name, path, attributes } = hash.httpCookie;
    const ttl = durationOf(hash.httpCookie.ttl);
    return {
      cookie: {
        name,
        ...(ttl ? { ttl } : {}),
        ...(path ? { path } : {}),
        ...(attributes && attributes.length > 0
          ? { attributes: attributes.map(({ name, value }) => ({ name, ...(value ? { value } : {}) })) }
          : {}),
      },
    };
  }
  if (hash.useSourceIp !== undefined) return { connectionProperties: hash.useSourceIp ? { sourceIp: true } : {} };
  return hash.httpQueryParameterName === undefined
    ? undefined
    : { queryParameter: { name: hash.httpQueryParameterName } };
}

/** Consistent hashing that a DestinationRule asks for, and where. */
export interface HashSetting {
  readonly hash: ConsistentHash;
  readonly source: ObjectRef;
  readonly path: string;
}

interface Found {
  readonly hash: ConsistentHash | undefined;
  /** Below the traffic policy. */
  readonly path: string;
}

const FIELD = "loadBalancer.consistentHash";

function ofPort(settings: readonly PortTrafficPolicy[] | undefined, number: number | undefined): Found {
  const index = number === undefined ? -1 : (settings ?? []).findIndex(({ port }) => port?.number === number);
  return { hash: settings?.[index]?.loadBalancer?.consistentHash, path: `portLevelSettings[${index}].${FIELD}` };
}

const ofPolicy = (policy: TrafficPolicy | undefined): Found => ({
  hash: policy?.loadBalancer?.consistentHash,
  path: FIELD,
});

/** What holds for the whole service on one of its ports. */
export function consistentHashOfService(
  read: Reader,
  service: Pick<Service, "hostname" | "namespace">,
  port: number,
): HashSetting | undefined {
  const rule = destinationRuleOf(read, service);
  const policy = rule?.spec.trafficPolicy;
  if (!rule?.policyFrom || !policy) return undefined;
  const special = ofPort(policy.portLevelSettings, port);
  const { hash, path } = special.hash ? special : ofPolicy(policy);
  return hash && { hash, source: rule.policyFrom.source, path: `${rule.policyFrom.path}.${path}` };
}

/**
 * What holds for a destination of a route: of its subset and port, of its subset, of its port, of the rule. Only a
 * port that the destination names counts.
 */
export function consistentHashOfDestination(read: Reader, destination: Destination): HashSetting | undefined {
  const service = serviceOfHost(read, destination.host);
  const rule = service && destinationRuleOf(read, service);
  if (!rule) return undefined;
  const port = destination.port?.number;
  const subset = destination.subset ? rule.spec.subsets?.find(({ name }) => name === destination.subset) : undefined;
  const subsetFrom = destination.subset ? rule.subsetFrom[destination.subset] : undefined;
  const policy = rule.spec.trafficPolicy;
  if (subset?.trafficPolicy && subsetFrom)
    for (const { hash, path } of [ofPort(subset.trafficPolicy.portLevelSettings, port), ofPolicy(subset.trafficPolicy)])
      if (hash) return { hash, source: subsetFrom.source, path: `${subsetFrom.path}.trafficPolicy.${path}` };
  if (policy && rule.policyFrom)
    for (const { hash, path } of [ofPort(policy.portLevelSettings, port), ofPolicy(policy)])
      if (hash) return { hash, source: rule.policyFrom.source, path: `${rule.policyFrom.path}.${path}` };
  return undefined;
}
