// Fields of sigs.k8s.io/gateway-api apis/v1 gatewayclass_types.go. Limits as in the CRD.
import { type Infer, message, required, text } from "../../schema/message.ts";
import { objectReference } from "./references.ts";

export const gatewayClass = message({
  controllerName: required(
    text({
      min: 1,
      max: 253,
      pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/,
    }),
  ),
  parametersRef: objectReference,
  description: text({ max: 64 }),
});
/** Whose Gateways of this class are. */
export type GatewayClass = Infer<typeof gatewayClass>;
