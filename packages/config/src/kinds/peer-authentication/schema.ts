import { choice, type Infer, map, message } from "../../schema/message.ts";
import { workloadSelector } from "../shared/selector.ts";

export const mutualTls = message({
  mode: choice("UNSET", "DISABLE", "PERMISSIVE", "STRICT"),
});
export type MutualTls = Infer<typeof mutualTls>;

export const peerAuthentication = message({
  selector: workloadSelector,
  mtls: mutualTls,
  portLevelMtls: map(mutualTls, { min: 1 }),
});
export type PeerAuthentication = Infer<typeof peerAuthentication>;
