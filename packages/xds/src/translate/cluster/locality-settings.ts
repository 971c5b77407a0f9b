import type { LoadBalancer, LocalityLoadBalancer, MeshConfig, ZoneAwareLoadBalancer } from "@fairlead/config";
import type { Service } from "@fairlead/model";

/** What decides where a client's locality counts. */
export type LocalitySettings =
  | { readonly kind: "none" }
  /** `force`: also without outlier detection, because endpoint health comes with the endpoints. */
  | { readonly kind: "locality"; readonly setting: LocalityLoadBalancer; readonly force: boolean }
  | { readonly kind: "zone-aware"; readonly setting: ZoneAwareLoadBalancer; readonly enabled: boolean };

const NETWORK = "topology.istio.io/network";
const REGION = "topology.kubernetes.io/region";
const ZONE = "topology.kubernetes.io/zone";

const DISTRIBUTION: Readonly<Record<NonNullable<Service["trafficDistribution"]>, LocalityLoadBalancer>> = {
  PreferSameZone: { enabled: true, failoverPriority: [NETWORK, REGION, ZONE] },
  PreferSameNode: {
    enabled: true,
    failoverPriority: [NETWORK, REGION, ZONE, "topology.istio.io/subzone", "kubernetes.io/hostname"],
  },
};

const NONE: LocalitySettings = { kind: "none" };

const locality = (setting: LocalityLoadBalancer): LocalitySettings =>
  setting.enabled === false ? NONE : { kind: "locality", setting, force: false };

const zoneAware = (setting: ZoneAwareLoadBalancer): LocalitySettings => ({
  kind: "zone-aware",
  setting,
  enabled: setting.enabled !== false,
});

/**
 * The settings that hold: the policy's, else what the service's traffic distribution means, else the mesh's, which has
 * locality load balancing on by default. At each level zone-aware goes first.
 */
export function localitySettings(
  policy: LoadBalancer | undefined,
  service: Pick<Service, "trafficDistribution">,
  mesh: Pick<MeshConfig, "localityLbSetting" | "zoneAwareLbSetting">,
): LocalitySettings {
  if (policy?.zoneAwareLbSetting) return zoneAware(policy.zoneAwareLbSetting);
  if (policy?.localityLbSetting) return locality(policy.localityLbSetting);
  if (service.trafficDistribution)
    return { kind: "locality", setting: DISTRIBUTION[service.trafficDistribution], force: true };
  if (mesh.zoneAwareLbSetting) return zoneAware(mesh.zoneAwareLbSetting);
  return locality(mesh.localityLbSetting ?? { enabled: true });
}

const some = (list: readonly unknown[] | undefined) => list !== undefined && list.length > 0;

/** Whether Envoy must heed the weights of localities. */
export function isLocalityWeighted(settings: LocalitySettings, detectsOutliers: boolean): boolean {
  if (settings.kind !== "locality") return false;
  const { distribute, failover, failoverPriority } = settings.setting;
  if (some(distribute)) return true;
  return (settings.force || detectsOutliers) && (some(failover) || some(failoverPriority));
}
