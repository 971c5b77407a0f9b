import type { MeshProxyConfig } from "@fairlead/config";
import { meshConfigOf, type Reader } from "@fairlead/mesh";

/** What the proxy's `proxyHeaders` say about routes. */
export interface RouteHeaders {
  /** Whether upstreams are told how often a request was tried. */
  readonly attemptCount: boolean;
  /** Whether a rewritten host is kept in `x-forwarded-host`. */
  readonly forwardedHost: boolean;
}

/**
 * The node's own proxy configuration (`PROXY_CONFIG` in its metadata) if it sent one, else the mesh's.
 * Source: Istio API, `ProxyConfig.ProxyHeaders`.
 */
export function proxyHeadersOf(read: Reader): RouteHeaders {
  const own = read.fact("proxy headers of routes", (node) => {
    const config = node.metadata.PROXY_CONFIG as MeshProxyConfig | undefined;
    return config && `${flags(config).attemptCount} ${flags(config).forwardedHost}`;
  });
  if (own === undefined) return flags(meshConfigOf(read).defaultConfig);
  const [attemptCount, forwardedHost] = own.split(" ");
  return { attemptCount: attemptCount === "true", forwardedHost: forwardedHost === "true" };
}

function flags(config: MeshProxyConfig | undefined): RouteHeaders {
  return {
    attemptCount: !config?.proxyHeaders?.attemptCount?.disabled,
    forwardedHost: config?.proxyHeaders?.xForwardedHost?.enabled ?? false,
  };
}
