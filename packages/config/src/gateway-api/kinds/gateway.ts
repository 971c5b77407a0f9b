// Fields of sigs.k8s.io/gateway-api apis/v1 gateway_types.go. Limits and rules as in the CRD.
import { isIpAddress } from "../../common/network.ts";
import { choice, type Infer, list, map, message, required, text } from "../../schema/message.ts";
import type { Report } from "../../validation/report.ts";
import { listeners, validateListeners } from "./listener.ts";
import { defaultGatewayScope, labelSelector, objectName, optionValue, portNumber } from "./names.ts";
import { localObjectReference, objectReference, secretReference } from "./references.ts";

const frontendTls = message({
  validation: message({
    caCertificateRefs: required(list(objectReference, { min: 1, max: 16 })),
    mode: choice("AllowValidOnly", "AllowInsecureFallback"),
  }),
});

const gatewayTls = message({
  frontend: message({
    default: required(frontendTls),
    perPort: list(message({ port: required(portNumber), tls: required(frontendTls) }), { max: 64, unique: "port" }),
  }),
  backend: message({ clientCertificateRef: secretReference }),
});

const address = message({
  type: text({
    min: 1,
    max: 253,
    pattern:
      /^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/,
  }),
  value: text({ max: 253 }),
});

export const gatewayResource = message({
  gatewayClassName: required(objectName),
  listeners: required(listeners),
  addresses: list(address, { max: 16 }),
  infrastructure: message({
    labels: map(text({ max: 63, pattern: /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/ }), { max: 8 }),
    annotations: map(optionValue, { max: 16 }),
    parametersRef: localObjectReference,
  }),
  allowedListeners: message({
    namespaces: message({ from: choice("All", "Selector", "Same", "None"), selector: labelSelector }),
  }),
  tls: gatewayTls,
  defaultScope: defaultGatewayScope,
});
/** The Gateway of the Gateway API, not Istio's. */
export type GatewayResource = Infer<typeof gatewayResource>;

const HOSTNAME = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const METADATA_KEY =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$/;

export function validateGatewayResource({ spec }: { readonly spec: GatewayResource }, report: Report): void {
  validateListeners(spec.listeners ?? [], report.at("listeners"));
  const seen = new Set<string>();
  (spec.addresses ?? []).forEach(({ type = "IPAddress", value }, index) => {
    const at = report.at("addresses", index, "value");
    if (type === "Hostname" && value && !HOSTNAME.test(value))
      at.error("invalid-format", `${JSON.stringify(value)} is no host name`);
    if (type === "IPAddress" && value !== undefined && !isIpAddress(value))
      at.error("invalid-format", `${JSON.stringify(value)} is no IP address`);
    if (value === undefined || (type !== "Hostname" && type !== "IPAddress")) return;
    if (seen.has(`${type} ${value}`)) at.error("duplicate", `${type} values must be unique`);
    seen.add(`${type} ${value}`);
  });
  for (const field of ["labels", "annotations"] as const)
    for (const key of Object.keys(spec.infrastructure?.[field] ?? {}))
      if (!METADATA_KEY.test(key) || (key.split("/")[0] ?? "").length >= 253)
        report.at("infrastructure", field, key).error("invalid-name", `${JSON.stringify(key)} is not a valid key`);
}
