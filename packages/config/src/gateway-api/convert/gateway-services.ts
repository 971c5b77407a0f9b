import type { GatewayApiObject } from "../kinds.ts";
import type { Problem } from "./condition.ts";
import type { GatewayClassInfo } from "./gateway-class.ts";

const SERVICE_TYPE = "networking.istio.io/service-type";

/** What is deployed for a Gateway is named so. */
function deployedName({ metadata, spec }: GatewayApiObject<"Gateway">, { nameSuffix }: GatewayClassInfo): string {
  return nameSuffix ? `${metadata.name}-${spec.gatewayClassName}` : metadata.name;
}

/** The service account of the proxies that are deployed for it; empty: nothing is known of them. */
export function serviceAccountOf(gateway: GatewayApiObject<"Gateway">, classInfo: GatewayClassInfo): string {
  if (!isDeployed(gateway)) return "";
  return gateway.metadata.annotations["gateway.istio.io/service-account"] || deployedName(gateway, classInfo);
}

/** Whether proxies are deployed for it: it names no Service that exists. */
function isDeployed({ spec: { addresses = [] } }: GatewayApiObject<"Gateway">): boolean {
  const [first, ...others] = addresses;
  return first === undefined || (others.length === 0 && (first.type ?? "IPAddress") === "IPAddress");
}

/** Host names of the Services that the Gateway's proxies are behind. */
export function gatewayServices(
  gateway: GatewayApiObject<"Gateway">,
  classInfo: GatewayClassInfo,
  domainSuffix: string,
): { readonly hostnames: readonly string[]; readonly problem?: Problem } {
  const { metadata, spec } = gateway;
  if (isDeployed(gateway)) {
    const name = metadata.annotations["gateway.istio.io/name-override"] || deployedName(gateway, classInfo);
    return { hostnames: [`${name}.${metadata.namespace}.svc.${domainSuffix}`] };
  }
  const addresses = (spec.addresses ?? []).map(({ type = "IPAddress", value = "" }) => ({ type, value }));
  const hostnames = addresses
    .filter(({ type }) => type === "Hostname")
    .map(({ value }) => (value.includes(".") ? value : `${value}.${metadata.namespace}.svc.${domainSuffix}`));
  const skipped = addresses.filter(({ type }) => type !== "Hostname").map(({ value }) => value);
  if (skipped.length > 0)
    return {
      hostnames,
      problem: {
        reason: "UnsupportedAddress",
        message: `only Hostname is supported, ignoring [${skipped.join(" ")}]`,
      },
    };
  if (metadata.annotations[SERVICE_TYPE] === undefined) return { hostnames };
  return {
    hostnames,
    problem: {
      reason: "DeprecatedField",
      message: `annotation ${SERVICE_TYPE} is deprecated, use Spec.Infrastructure.Routeability`,
    },
  };
}
