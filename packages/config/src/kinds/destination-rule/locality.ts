// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { flag, type Infer, list, map, message, nullable, text, uint32, uint64 } from "../../schema/message.ts";

export const localityDistribute = message({
  from: text(),
  to: map(uint32()),
});
/** From a locality (`region/zone/*`) to localities with weights that add up to 100. */
export type LocalityDistribute = Infer<typeof localityDistribute>;

export const localityFailover = message({
  from: text(),
  to: text(),
});
/** Region to region. */
export type LocalityFailover = Infer<typeof localityFailover>;

export const localityLoadBalancer = message({
  distribute: list(localityDistribute),
  failover: list(localityFailover),
  failoverPriority: list(text()),
  enabled: nullable(flag()),
});
/** Prefers near endpoints, or spreads by weights. Failover needs outlier detection. */
export type LocalityLoadBalancer = Infer<typeof localityLoadBalancer>;

export const zoneFailover = message({
  from: text(),
  to: text(),
});
export type ZoneFailover = Infer<typeof zoneFailover>;

export const zoneAwareLoadBalancer = message({
  enabled: nullable(flag()),
  failover: list(zoneFailover),
  failoverPriority: list(text()),
  minClusterSize: nullable(uint64({ min: 1, max: 4294967295 })),
});
/** Keeps traffic in its zone as far as that balances. */
export type ZoneAwareLoadBalancer = Infer<typeof zoneAwareLoadBalancer>;
