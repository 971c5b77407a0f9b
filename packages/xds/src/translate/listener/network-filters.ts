import type { ListenerFilter } from "../../proto/types.ts";
import type { ExtensionPhase } from "../extension/extensions.ts";
import { networkExtensionFilters } from "../extension/filters.ts";
import type { Build } from "../generated.ts";
import { tcpAuthorizationFilters } from "../security/filters.ts";
import { type HttpOptions, httpConnectionManager } from "./http-connection-manager.ts";
import type { ListenerClass } from "./proxy-headers.ts";

/**
 * What a connection passes before it is handed on: authorization, where callers come in (`declared`: the port is known to
 * carry content that is not seen), and extensions of connections by phase around it. Source: Istio
 * `ListenerBuilder.buildCompleteNetworkFilters`.
 */
export function leadingNetworkFilters(
  build: Build,
  listenerClass: ListenerClass,
  port: number,
  authorization: "declared" | "undeclared" | "none",
): ListenerFilter[] {
  const extensions = (phase: ExtensionPhase) => networkExtensionFilters(build, phase, listenerClass, port);
  const policies = (actions: "custom" | "local") =>
    authorization === "none" ? [] : tcpAuthorizationFilters(build, actions, authorization === "declared");
  return [
    ...policies("custom"),
    ...extensions("AUTHN"),
    ...extensions("AUTHZ"),
    ...policies("local"),
    ...extensions("STATS"),
    ...extensions("UNSPECIFIED"),
  ];
}

/** The filters of a chain whose content is HTTP: extensions of connections, then what reads requests. */
export function httpChainFilters(build: Build, options: HttpOptions): ListenerFilter[] {
  return [
    ...leadingNetworkFilters(build, options.listenerClass, options.port, "none"),
    httpConnectionManager(build, options),
  ];
}
