import { shared } from "../../proto/shared.ts";
import type { FilterChain, Listener } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { BLACKHOLE_CLUSTER, VIRTUAL_OUTBOUND } from "../names.ts";
import { catchAllVirtualHost, outboundTrafficPolicyOf } from "../route/catch-all.ts";
import { accessLogs } from "./access-log.ts";
import { additionalAddresses, listenAddress, WILDCARDS } from "./address.ts";
import { dynamicDnsHttpFilters } from "./dynamic-dns.ts";
import { STAT_PREFIX_END } from "./http-connection-manager.ts";
import { PLAINTEXT_HTTP_ALPN } from "./inspectors.ts";
import { httpChainFilters } from "./network-filters.ts";
import { addressFamilyOf, capturePorts, interceptionModeOf } from "./node-settings.ts";
import { fallthroughFilters } from "./outbound-listener.ts";
import { HTTP_INSPECTOR } from "./static-filters.ts";
import { plainTcpProxy } from "./tcp-filters.ts";
import { defined } from "./typed.ts";

const CATCH_ALL = "virtualOutbound-catchall-tcp";

/** Where redirected connections arrive: it hands them to the listener of their destination, or takes them itself. */
export function virtualOutbound(build: Build): Listener {
  const { read } = build;
  const { outbound } = capturePorts(read);
  const [wildcard, ...others] = WILDCARDS[addressFamilyOf(read)];
  const dynamic = outboundTrafficPolicyOf(read).mode === "ALLOW_ANY_DYNAMIC_DNS";
  return defined<Listener>({
    name: VIRTUAL_OUTBOUND,
    address: listenAddress(wildcard, outbound),
    additionalAddresses: additionalAddresses(others, outbound),
    transparent: interceptionModeOf(read) === "TPROXY" ? true : undefined,
    useOriginalDst: true,
    trafficDirection: "OUTBOUND",
    maxConnectionsToAcceptPerSocketEvent: 1,
    accessLog: accessLogs(build, "sidecar-outbound", "listener"),
    listenerFilters: dynamic ? [HTTP_INSPECTOR] : undefined,
    filterChains: [
      blackhole(`${VIRTUAL_OUTBOUND}-blackhole`, outbound),
      ...(dynamic ? [dynamicDnsChain(build)] : []),
      { name: CATCH_ALL, filters: fallthroughFilters(build) },
    ],
  });
}

const BLACKHOLE = [shared(plainTcpProxy({ statPrefix: BLACKHOLE_CLUSTER, cluster: BLACKHOLE_CLUSTER }))];

/** Connections to the capturing port itself would be sent to it again and again. */
export function blackhole(name: string, port: number): FilterChain {
  return {
    name,
    filterChainMatch: { destinationPort: port },
    filters: BLACKHOLE,
  };
}

/** Plain HTTP to hosts that the mesh does not know, resolved by the host that the request names. */
function dynamicDnsChain(build: Build): FilterChain {
  const name = "allow_any_dynamic_dns";
  const filters = httpChainFilters(build, {
    kind: "outbound",
    port: 0,
    routes: {
      name,
      virtualHosts: [catchAllVirtualHost(build.read)],
      validateClusters: false,
      maxDirectResponseBodySizeBytes: 1_048_576,
      ignorePortInHostMatching: true,
    },
    statPrefix: `outbound_${VIRTUAL_OUTBOUND}_${name}${STAT_PREFIX_END}`,
    protocol: "HTTP",
    lastFilters: dynamicDnsHttpFilters(build.read, undefined),
  });
  return {
    name: `${CATCH_ALL}-http`,
    filterChainMatch: { applicationProtocols: [...PLAINTEXT_HTTP_ALPN] },
    filters,
  };
}
