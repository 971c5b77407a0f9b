import type { Reader } from "@fairlead/mesh";
import type { HttpFilter, ListenerFilter } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import type { ListenerClass } from "../listener/proxy-headers.ts";
import { type Extension, type ExtensionPhase, extensionsOf } from "./extensions.ts";

const RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const NETWORK_RBAC = "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC";

/**
 * The extensions of one phase, as filters of requests that ask for their configuration over ECDS: it changes without
 * connections being drained. A listener waits for it, since an extension may decide who is let in.
 */
export function extensionFilters(
  build: Build,
  phase: ExtensionPhase,
  listenerClass: ListenerClass,
  port: number,
): HttpFilter[] {
  return chosen(build, "HTTP", phase, listenerClass, port).map((extension) => discovered(build, extension, RBAC));
}

/** The same, as filters of connections. */
export function networkExtensionFilters(
  build: Build,
  phase: ExtensionPhase,
  listenerClass: ListenerClass,
  port: number,
): ListenerFilter[] {
  return chosen(build, "NETWORK", phase, listenerClass, port).map((extension) =>
    discovered(build, extension, NETWORK_RBAC),
  );
}

/** The port where an extension asks for one, else 0: then it makes no difference. */
export function portAmongExtensions(read: Reader, port: number): number {
  return extensionsOf(read).some(({ match }) => match.some(({ ports = [] }) => ports.length > 0)) ? port : 0;
}

function chosen(
  { read }: Build,
  layer: Extension["layer"],
  phase: ExtensionPhase,
  listenerClass: ListenerClass,
  port: number,
): readonly Extension[] {
  return extensionsOf(read).filter(
    (extension) => extension.layer === layer && extension.phase === phase && matches(extension, listenerClass, port),
  );
}

function discovered(build: Build, { name, config, source }: Extension, rbac: string) {
  return build.from(
    {
      name,
      configDiscovery: {
        configSource: { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" as const },
        typeUrls: [...new Set([config["@type"], rbac])],
      },
    },
    source,
  );
}

/** Gateways and outbound listeners are the client's side. */
function matches({ match }: Extension, listenerClass: ListenerClass, port: number): boolean {
  const side = listenerClass === "sidecar-inbound" ? "SERVER" : "CLIENT";
  return (
    match.length === 0 ||
    match.some(
      ({ mode = "UNDEFINED", ports = [] }) =>
        (mode === "UNDEFINED" || mode === "CLIENT_AND_SERVER" || mode === side) &&
        (ports.length === 0 || ports.some(({ number }) => number === port)),
    )
  );
}
