import type { DestinationRule, MeshConfig, PortTrafficPolicy, TrafficPolicy } from "@fairlead/config";

/** A traffic policy with its port-level settings resolved, and where each part stands in the object it came from. */
export type EffectivePolicy = Omit<TrafficPolicy, "portLevelSettings">;

/** The port-level settings for a port, with their index; they replace the four parts that they can hold. */
function portSettings(
  policy: TrafficPolicy | undefined,
  port: number,
): { readonly settings: PortTrafficPolicy; readonly index: number } | undefined {
  const index = policy?.portLevelSettings?.findIndex((settings) => settings.port?.number === port) ?? -1;
  const settings = policy?.portLevelSettings?.[index];
  return settings && { settings, index };
}

function withoutPorts({ portLevelSettings: _, ...policy }: TrafficPolicy): EffectivePolicy {
  return policy;
}

function ofPort({ port: _, ...settings }: PortTrafficPolicy): EffectivePolicy {
  return settings;
}

/**
 * The policy of a port: that of its port-level settings alone, when there are some (nothing is inherited), else the
 * destination's. Source: Istio API, `TrafficPolicy.port_level_settings`.
 */
export function portPolicy(policy: TrafficPolicy | undefined, port: number): EffectivePolicy | undefined {
  if (!policy) return undefined;
  const own = portSettings(policy, port);
  return own ? ofPort(own.settings) : withoutPorts(policy);
}

const PORT_PARTS = ["connectionPool", "outlierDetection", "loadBalancer", "tls"] as const;

/**
 * The policy of a subset over that of its destination (already resolved for the port): part by part, and where the
 * subset has settings for the port, these stand for all four parts that port-level settings can hold.
 */
function subsetPolicy(
  base: EffectivePolicy | undefined,
  subset: TrafficPolicy | undefined,
  port: number,
): EffectivePolicy | undefined {
  if (!subset) return base;
  const own = portPolicy(subset, port);
  if (!base) return own;
  const merged: Record<string, unknown> = { ...base, ...own };
  if (portSettings(subset, port)) for (const part of PORT_PARTS) if (!own?.[part]) delete merged[part];
  return merged as EffectivePolicy;
}

/** The policy that a rule gives a port of its host, or of one of its subsets. */
export function rulePolicy(
  rule: DestinationRule | undefined,
  port: number,
  subset: string,
): EffectivePolicy | undefined {
  const base = portPolicy(rule?.trafficPolicy, port);
  if (subset === "") return base;
  return subsetPolicy(base, rule?.subsets?.find(({ name }) => name === subset)?.trafficPolicy, port);
}

/** The mesh-wide connection pool and outlier detection, for whichever of the two a policy leaves open. */
export function withMeshDefaults(
  policy: EffectivePolicy | undefined,
  defaults: MeshConfig["defaultTrafficPolicy"],
): EffectivePolicy | undefined {
  const connectionPool = policy?.connectionPool ?? defaults?.connectionPool;
  const outlierDetection = policy?.outlierDetection ?? defaults?.outlierDetection;
  if (!connectionPool && !outlierDetection) return policy;
  return {
    ...policy,
    ...(connectionPool ? { connectionPool } : {}),
    ...(outlierDetection ? { outlierDetection } : {}),
  };
}
