import { flag, type Infer, list, map, message, nullable, text, uint32, uint64 } from "../../schema/message.ts";

export const localityDistribute = message({
  from: text(),
  to: map(uint32()),
});
export type LocalityDistribute = Infer<typeof localityDistribute>;

export const localityFailover = message({
  from: text(),
  to: text(),
});
export type LocalityFailover = Infer<typeof localityFailover>;

export const localityLoadBalancer = message({
  distribute: list(localityDistribute),
  failover: list(localityFailover),
  failoverPriority: list(text()),
  enabled: nullable(flag()),
});
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
export type ZoneAwareLoadBalancer = Infer<typeof zoneAwareLoadBalancer>;
