import type { Query } from "@fairlead/mesh";
import { shared } from "../../proto/shared.ts";
import type { ListenerFilter } from "../../proto/types.ts";
import type { ExtensionPhase } from "../extension/extensions.ts";
import { networkExtensionFilters, portAmongExtensions } from "../extension/filters.ts";
import type { Build } from "../generated.ts";
import { include, type Part, partOf } from "../route/part.ts";
import { tcpAuthorizationFilters } from "../security/filters.ts";
import { type HttpOptions, httpConnectionManager } from "./http-connection-manager.ts";
import { listenerClassOf } from "./manager-settings.ts";
import type { ListenerClass } from "./proxy-headers.ts";

/** `declared`: the port is known to carry content that is not seen. */
type Authorization = "declared" | "undeclared" | "none";

interface Leading {
  readonly listenerClass: ListenerClass;
  readonly port: number;
  readonly authorization: Authorization;
}

/** Of all chains of a class: what differs is the port, and only where an extension asks for it. */
const leading: Query<Leading, Part<readonly ListenerFilter[]>> = {
  name: "leading-network-filters",
  key: ({ listenerClass, port, authorization }) => `${listenerClass} ${port} ${authorization}`,
  compute: (read, of) => partOf(read, (build) => madeLeading(build, of)),
};

/**
 * What a connection passes before it is handed on: authorization, where callers come in, and extensions of connections by phase
 * around it. Source: Istio `ListenerBuilder.buildCompleteNetworkFilters`.
 */
export function leadingNetworkFilters(
  build: Build,
  listenerClass: ListenerClass,
  port: number,
  authorization: Authorization,
): readonly ListenerFilter[] {
  const { read } = build;
  return include(build, read.ask(leading, { listenerClass, port: portAmongExtensions(read, port), authorization }));
}

function madeLeading(build: Build, { listenerClass, port, authorization }: Leading): readonly ListenerFilter[] {
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
  ].map(shared);
}

/** The filters of a chain whose content is HTTP: extensions of connections, then what reads requests. */
export function httpChainFilters(build: Build, options: HttpOptions): ListenerFilter[] {
  return [
    ...leadingNetworkFilters(build, listenerClassOf(options.kind), options.port, "none"),
    httpConnectionManager(build, options),
  ];
}
