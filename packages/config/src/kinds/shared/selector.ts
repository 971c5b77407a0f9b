// Fields of istio/api type/v1beta1 and networking/v1alpha3. Limits as in the CRD.
import { type Infer, map, message, required, text, uint32 } from "../../schema/message.ts";

export const workloadSelector = message({
  matchLabels: map(text({ max: 63 }), { max: 4096 }),
});
/** Workloads by labels, in the namespace of the object (in the root namespace: in all). */
export type WorkloadSelector = Infer<typeof workloadSelector>;

export const sidecarWorkloadSelector = message({
  labels: map(text({ max: 63 }), { max: 256 }),
});
/** Workloads by labels, as the older kinds write it. */
export type SidecarWorkloadSelector = Infer<typeof sidecarWorkloadSelector>;

export const policyTargetReference = message({
  group: text({ max: 253, pattern: /^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/ }),
  kind: required(text({ min: 1, max: 63, pattern: /^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/ })),
  name: required(text({ min: 1, max: 253 })),
  namespace: text(),
});
/** A Service, a ServiceEntry or a Gateway of the Gateway API, in the namespace of the object. */
export type PolicyTargetReference = Infer<typeof policyTargetReference>;

export const policyPortSelector = message({
  number: required(uint32({ min: 1, max: 65535 })),
});
/** A port by number. */
export type PolicyPortSelector = Infer<typeof policyPortSelector>;
