// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { choice, type Infer, list, message, required, text, uint32 } from "../../schema/message.ts";
import { sidecarWorkloadSelector } from "../shared/selector.ts";
import { workloadEntry } from "../workload-entry/schema.ts";

export const serviceEntryPort = message({
  number: required(uint32({ min: 1, max: 65535 })),
  protocol: text({ max: 256 }),
  name: required(text({ max: 256 })),
  targetPort: uint32({ min: 1, max: 65535 }),
});
/** `targetPort` is that of the endpoints; default: the same number. */
export type ServiceEntryPort = Infer<typeof serviceEntryPort>;

export const serviceEntry = message({
  hosts: required(list(text(), { min: 1, max: 256 })),
  addresses: list(text({ max: 64 }), { max: 256 }),
  ports: list(serviceEntryPort, { max: 256, unique: "name" }),
  location: choice("MESH_EXTERNAL", "MESH_INTERNAL"),
  resolution: choice("NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"),
  endpoints: list(workloadEntry, { max: 4096 }),
  workloadSelector: sidecarWorkloadSelector,
  exportTo: list(text()),
  subjectAltNames: list(text()),
});
/** A service that the registry does not know: outside the mesh, or workloads without Kubernetes. */
export type ServiceEntry = Infer<typeof serviceEntry>;
