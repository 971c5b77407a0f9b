import type { Rule } from "./rule.ts";
import { annotation } from "./rules/annotation.ts";
import { applicationUid } from "./rules/application-uid.ts";
import { authorizationPolicy } from "./rules/authorization-policy.ts";
import { condition } from "./rules/condition.ts";
import { deploymentServices } from "./rules/deployment-services.ts";
import { deprecation } from "./rules/deprecation.ts";
import { destinationHost } from "./rules/destination-host.ts";
import { destinationRuleHost } from "./rules/destination-rule-host.ts";
import { destinationSubset } from "./rules/destination-subset.ts";
import { envoyFilter } from "./rules/envoy-filter.ts";
import { externalControlPlane } from "./rules/external-control-plane.ts";
import { gatewayApiVersion } from "./rules/gateway-api-version.ts";
import { gatewayCertificate } from "./rules/gateway-certificate.ts";
import { gatewayConflict } from "./rules/gateway-conflict.ts";
import { gatewayPort } from "./rules/gateway-port.ts";
import { gatewaySecret } from "./rules/gateway-secret.ts";
import { imageAuto } from "./rules/image-auto.ts";
import { ingressRouteShadow } from "./rules/ingress-route-shadow.ts";
import { injection } from "./rules/injection.ts";
import { injectionImage } from "./rules/injection-image.ts";
import { jwksFetch } from "./rules/jwks-fetch.ts";
import { jwtClaimRoute } from "./rules/jwt-claim-route.ts";
import { meshHostConflict } from "./rules/mesh-host-conflict.ts";
import { meshNetworksRegistry } from "./rules/mesh-networks.ts";
import { policySelector } from "./rules/policy-selector.ts";
import { serverVerification } from "./rules/server-verification.ts";
import { serviceEntryAddresses } from "./rules/service-entry-addresses.ts";
import { serviceEntryProtocol } from "./rules/service-entry-protocol.ts";
import { servicePortName } from "./rules/service-port-name.ts";
import { sidecarSelector } from "./rules/sidecar-selector.ts";
import { telemetryProvider } from "./rules/telemetry-provider.ts";
import { telemetrySelector } from "./rules/telemetry-selector.ts";
import { validation } from "./rules/validation.ts";
import { virtualServiceGateway } from "./rules/virtual-service-gateway.ts";
import { webhook } from "./rules/webhook.ts";

/** Every rule, one row each. */
export const RULES: readonly Rule[] = [
  annotation,
  applicationUid,
  authorizationPolicy,
  condition,
  deploymentServices,
  deprecation,
  destinationHost,
  destinationRuleHost,
  destinationSubset,
  envoyFilter,
  externalControlPlane,
  gatewayApiVersion,
  gatewayCertificate,
  gatewayConflict,
  gatewayPort,
  gatewaySecret,
  imageAuto,
  ingressRouteShadow,
  injectionImage,
  injection,
  jwksFetch,
  jwtClaimRoute,
  meshHostConflict,
  meshNetworksRegistry,
  policySelector,
  serverVerification,
  serviceEntryAddresses,
  serviceEntryProtocol,
  servicePortName,
  sidecarSelector,
  telemetryProvider,
  telemetrySelector,
  validation,
  virtualServiceGateway,
  webhook,
];
