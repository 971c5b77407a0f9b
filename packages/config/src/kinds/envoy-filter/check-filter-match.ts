import type { Report } from "../../validation/report.ts";
import type { ListenerMatch } from "./match.ts";

const CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager";

/** Names of filters before Envoy 1.14, and what they are called since. */
const OLD_FILTER_NAMES: Readonly<Record<string, string>> = {
  "envoy.buffer": "envoy.filters.http.buffer",
  "envoy.cors": "envoy.filters.http.cors",
  "envoy.csrf": "envoy.filters.http.csrf",
  "envoy.http_dynamo_filter": "envoy.filters.http.dynamo",
  "envoy.ext_authz": "envoy.filters.http.ext_authz",
  "envoy.fault": "envoy.filters.http.fault",
  "envoy.grpc_http1_bridge": "envoy.filters.http.grpc_http1_bridge",
  "envoy.grpc_json_transcoder": "envoy.filters.http.grpc_json_transcoder",
  "envoy.grpc_web": "envoy.filters.http.grpc_web",
  "envoy.gzip": "envoy.filters.http.gzip",
  "envoy.health_check": "envoy.filters.http.health_check",
  "envoy.ip_tagging": "envoy.filters.http.ip_tagging",
  "envoy.lua": "envoy.filters.http.lua",
  "envoy.rate_limit": "envoy.filters.http.ratelimit",
  "envoy.router": "envoy.filters.http.router",
  "envoy.squash": "envoy.filters.http.squash",
  "envoy.listener.http_inspector": "envoy.filters.listener.http_inspector",
  "envoy.listener.original_dst": "envoy.filters.listener.original_dst",
  "envoy.listener.original_src": "envoy.filters.listener.original_src",
  "envoy.listener.proxy_protocol": "envoy.filters.listener.proxy_protocol",
  "envoy.listener.tls_inspector": "envoy.filters.listener.tls_inspector",
  "envoy.client_ssl_auth": "envoy.filters.network.client_ssl_auth",
  "envoy.echo": "envoy.filters.network.echo",
  "envoy.http_connection_manager": CONNECTION_MANAGER,
  "envoy.mongo_proxy": "envoy.filters.network.mongo_proxy",
  "envoy.ratelimit": "envoy.filters.network.ratelimit",
  "envoy.redis_proxy": "envoy.filters.network.redis_proxy",
  "envoy.tcp_proxy": "envoy.filters.network.tcp_proxy",
};

/** The part of a listener match that names network and HTTP filters. */
export function checkFilterMatch({ filterChain }: ListenerMatch, applyTo: string, report: Report): void {
  const filter = filterChain?.filter;
  if (filter === undefined || !["LISTENER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER"].includes(applyTo)) return;
  const at = report.at("filterChain", "filter");
  if (applyTo === "LISTENER" || applyTo === "FILTER_CHAIN")
    at.warning("ineffective", `a filter match has no effect on ${applyTo}`);
  if (!filter.name) {
    at.at("name").error("required", "is required");
    return;
  }
  const { subFilter } = filter;
  if (subFilter) {
    const subAt = at.at("subFilter");
    if (applyTo !== "HTTP_FILTER") {
      subAt.error("conflicting-fields", "is for HTTP_FILTER only");
      return;
    }
    if (filter.name !== CONNECTION_MANAGER && filter.name !== "envoy.http_connection_manager") {
      subAt.error("conflicting-fields", `needs a match of the filter ${CONNECTION_MANAGER}`);
      return;
    }
    if (!subFilter.name) {
      subAt.at("name").error("required", "is required");
      return;
    }
  }
  warnOldName(filter.name, at.at("name"));
  warnOldName(subFilter?.name ?? "", at.at("subFilter", "name"));
}

function warnOldName(name: string, report: Report): void {
  const now = Object.hasOwn(OLD_FILTER_NAMES, name) ? OLD_FILTER_NAMES[name] : undefined;
  if (now) report.warning("deprecated", `the filter ${name} is called ${now}`);
}
