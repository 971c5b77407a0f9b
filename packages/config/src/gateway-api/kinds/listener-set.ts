// Fields of sigs.k8s.io/gateway-api apis/v1 listenerset_types.go. Limits and rules as in the CRD.
import { type Infer, message, required } from "../../schema/message.ts";
import type { Report } from "../../validation/report.ts";
import { listeners, validateListeners } from "./listener.ts";
import { parentGatewayReference } from "./references.ts";

export const listenerSet = message({
  parentRef: required(parentGatewayReference),
  listeners: required(listeners),
});
/** Further listeners of a Gateway, in the hands of somebody else. */
export type ListenerSet = Infer<typeof listenerSet>;

export function validateListenerSet({ spec }: { readonly spec: ListenerSet }, report: Report): void {
  validateListeners(spec.listeners ?? [], report.at("listeners"));
}
