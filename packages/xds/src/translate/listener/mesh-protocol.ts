import type { DestinationRule, TrafficPolicy } from "@fairlead/config";
import { destinationRuleOf, destinationsOf, egressVirtualServicesOf, type Reader, serviceOfHost } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import type { HttpFilter } from "../../proto/types.ts";
import type { Contribution } from "./outbound-plan.ts";
import { typed } from "./typed.ts";

/**
 * Tells the server's proxy that a connection carries HTTP: its filter chains know that by what a client of the mesh offers
 * in the TLS handshake. Clusters of ports that are declared HTTP offer it by themselves; those of undeclared ports cannot
 * know, but the connection manager of their listener does. (Istio's own filter `istio.alpn` does this.) Nothing here is a
 * protocol that the server agrees on, so it finds out by itself which version of HTTP it is.
 */
const MESH_HTTP: HttpFilter = {
  name: "envoy.filters.http.set_filter_state",
  typedConfig: typed("envoy.extensions.filters.http.set_filter_state.v3.Config", {
    onRequestHeaders: [
      {
        objectKey: "envoy.network.application_protocols",
        formatString: { textFormatSource: { inlineString: "istio-http/1.1,istio" } },
      },
    ],
  }),
};

/**
 * The filter, for a listener of one undeclared port whose requests stay in the mesh. Where a DestinationRule asks for other
 * TLS at any place that they may go to, the offer is left alone: servers outside the mesh refuse what they do not know.
 */
export function meshProtocolFilters(read: Reader, { adds, service, egress }: Contribution): HttpFilter[] {
  if (adds !== "auto" || service.meshExternal) return [];
  const routes = egressVirtualServicesOf(read, egress, service.hostname);
  const destinations = new Set(routes.flatMap((route) => [...destinationsOf(route).keys()]));
  const services = [service, ...[...destinations].map((host) => serviceOfHost(read, host))];
  return services.some((one) => one !== undefined && originatesTls(read, one)) ? [] : [MESH_HTTP];
}

function originatesTls(read: Reader, service: Service): boolean {
  const rule: DestinationRule | undefined = destinationRuleOf(read, service)?.spec;
  const policies = [rule?.trafficPolicy, ...(rule?.subsets ?? []).map(({ trafficPolicy }) => trafficPolicy)];
  return policies.some(hasOwnTls);
}

function hasOwnTls(policy: TrafficPolicy | undefined): boolean {
  const own = (tls: TrafficPolicy["tls"]) => tls?.mode === "SIMPLE" || tls?.mode === "MUTUAL";
  return own(policy?.tls) || (policy?.portLevelSettings ?? []).some(({ tls }) => own(tls));
}
