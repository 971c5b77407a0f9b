import type { Destination } from "@fairlead/config";
import { meshConfigOf, type Query, type Reader, sidecarOf } from "@fairlead/mesh";
import type { ObjectRef } from "@fairlead/model";
import { shared } from "../../proto/shared.ts";
import type { Route, VirtualHost } from "../../proto/types.ts";
import { clusterName, PASSTHROUGH_CLUSTER } from "../names.ts";
import { NO_TIMEOUT } from "./action.ts";
import { MATCH_ALL } from "./match.ts";
import { proxyHeadersOf } from "./proxy-headers.ts";

/** What becomes of traffic to hosts that the mesh does not know. */
export interface OutboundTrafficPolicy {
  readonly mode: "ALLOW_ANY" | "REGISTRY_ONLY" | "ALLOW_ANY_DYNAMIC_DNS";
  /** Where it goes instead of where it was meant to. */
  readonly egressProxy?: Destination;
  /** The Sidecar that says so; absent: the mesh configuration. */
  readonly source?: { readonly object: ObjectRef; readonly path: string };
}

/**
 * The Sidecar's policy, else the mesh's, else ALLOW_ANY. A policy that states no mode means REGISTRY_ONLY, the zero of
 * its enum.
 * Source: Istio API, `Sidecar.outboundTrafficPolicy`, `MeshConfig.outboundTrafficPolicy`.
 */
export function outboundTrafficPolicyOf(read: Reader): OutboundTrafficPolicy {
  const sidecar = sidecarOf(read);
  const own = sidecar?.spec.outboundTrafficPolicy;
  if (sidecar && own) {
    const object = { kind: sidecar.kind, namespace: sidecar.metadata.namespace, name: sidecar.metadata.name };
    return {
      mode: own.mode ?? "REGISTRY_ONLY",
      ...(own.egressProxy ? { egressProxy: own.egressProxy } : {}),
      source: { object, path: "spec.outboundTrafficPolicy" },
    };
  }
  const mesh = meshConfigOf(read).outboundTrafficPolicy;
  return { mode: mesh ? (mesh.mode ?? "REGISTRY_ONLY") : "ALLOW_ANY" };
}

/** The cluster that resolves the request's own host. */
export const DYNAMIC_DNS_CLUSTER = "AllowAnyDynamicDNSCluster";

const catchAll: Query<void, VirtualHost> = {
  name: "catch-all-virtual-host",
  key: () => "",
  compute: (read) => shared(makeCatchAll(read)),
};

/** The virtual host for hosts that no other one has. */
export function catchAllVirtualHost(read: Reader): VirtualHost {
  return read.ask(catchAll, undefined);
}

function makeCatchAll(read: Reader): VirtualHost {
  const { mode, egressProxy } = outboundTrafficPolicyOf(read);
  const { attemptCount, forwardedHost } = proxyHeadersOf(read);
  const virtualHost = (name: string, action: Partial<Route>): VirtualHost => ({
    name,
    domains: ["*"],
    routes: [{ name, match: MATCH_ALL, ...action }],
    ...(attemptCount ? { includeRequestAttemptCount: true } : {}),
  });
  const to = (cluster: string) => ({
    route: { cluster, ...NO_TIMEOUT, ...(forwardedHost ? { appendXForwardedHost: true } : {}) },
  });
  if (mode === "ALLOW_ANY_DYNAMIC_DNS") return virtualHost("allow_any_dynamic_dns", to(DYNAMIC_DNS_CLUSTER));
  if (mode === "REGISTRY_ONLY") return virtualHost("block_all", { directResponse: { status: 502 } });
  const proxy =
    egressProxy && clusterName("outbound", egressProxy.port?.number ?? 0, egressProxy.subset ?? "", egressProxy.host);
  return virtualHost("allow_any", to(proxy ?? PASSTHROUGH_CLUSTER));
}
