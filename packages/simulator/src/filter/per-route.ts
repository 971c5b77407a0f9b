import type { AnyMessage, ClusterWeight, Route, RouteConfiguration, VirtualHost } from "../envoy.ts";
import { unpack } from "../envoy.ts";

/** The places that may configure a filter for a request, the most specific first. */
export interface Scope {
  readonly weighted?: ClusterWeight | undefined;
  readonly route?: Route | undefined;
  readonly host?: VirtualHost | undefined;
  readonly configuration?: RouteConfiguration | undefined;
}

/** A filter's most specific configuration, and whether that place turns the filter off. */
export function perRoute(scope: Scope, filter: string): { readonly config?: AnyMessage; readonly disabled?: boolean } {
  for (const level of [scope.weighted, scope.route, scope.host, scope.configuration]) {
    const config = level?.typedPerFilterConfig?.[filter];
    if (config === undefined) continue;
    const wrapper = unpack<{ config?: AnyMessage; disabled?: boolean }>(config, "envoy.config.route.v3.FilterConfig");
    if (wrapper === undefined) return { config };
    return { ...(wrapper.config && { config: wrapper.config }), disabled: wrapper.disabled ?? false };
  }
  return {};
}
