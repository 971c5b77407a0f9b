import { choice, type Infer, list, message, required, text, uint32 } from "../../schema/message.ts";
import { sidecarWorkloadSelector } from "../shared/selector.ts";
import { workloadEntry } from "../workload-entry/schema.ts";

export const serviceEntryPort = message({
  number: required(uint32({ min: 1, max: 65535 })),
  protocol: text({ max: 256 }),
  name: required(text({ max: 256 })),
  targetPort: uint32({ min: 1, max: 65535 }),
});
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
export type ServiceEntry = Infer<typeof serviceEntry>;
