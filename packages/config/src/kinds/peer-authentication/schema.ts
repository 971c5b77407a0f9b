// Fields of istio/api security/v1beta1. Limits as in the CRD.
import { choice, type Infer, map, message } from "../../schema/message.ts";
import { workloadSelector } from "../shared/selector.ts";

export const mutualTls = message({
  mode: choice("UNSET", "DISABLE", "PERMISSIVE", "STRICT"),
});
/** UNSET inherits; PERMISSIVE takes both. */
export type MutualTls = Infer<typeof mutualTls>;

export const peerAuthentication = message({
  selector: workloadSelector,
  mtls: mutualTls,
  portLevelMtls: map(mutualTls, { min: 1 }),
});
/** Whether mutual TLS is demanded of callers. */
export type PeerAuthentication = Infer<typeof peerAuthentication>;
