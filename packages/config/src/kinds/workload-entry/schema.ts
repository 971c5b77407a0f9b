// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { type Infer, map, message, text, uint32 } from "../../schema/message.ts";

export const workloadEntry = message({
  address: text({ max: 256 }),
  ports: map(uint32({ min: 1, max: 65535 }), { max: 128 }),
  labels: map(text(), { max: 256 }),
  network: text({ max: 2048 }),
  locality: text({ max: 2048 }),
  weight: uint32(),
  serviceAccount: text({ max: 253 }),
});
/** One workload without Kubernetes: its address, labels and identity. */
export type WorkloadEntry = Infer<typeof workloadEntry>;
