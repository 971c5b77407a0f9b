import type { HttpFilter } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import type { ListenerClass } from "../listener/proxy-headers.ts";
import { type Extension, type ExtensionPhase, extensionsOf } from "./extensions.ts";

const RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";

/**
 * The extensions of one phase, as filters that ask for their configuration over ECDS: it changes without connections being
 * drained. A listener waits for it, since an extension may decide who is let in.
 */
export function extensionFilters(
  build: Build,
  phase: ExtensionPhase,
  listenerClass: ListenerClass,
  port: number,
): HttpFilter[] {
  return extensionsOf(build.read)
    .filter((extension) => extension.phase === phase && matches(extension, listenerClass, port))
    .map(({ name, config, source }) =>
      build.from(
        {
          name,
          configDiscovery: {
            configSource: { ads: {}, initialFetchTimeout: "0s", resourceApiVersion: "V3" },
            typeUrls: [...new Set([config["@type"], RBAC])],
          },
        },
        source,
      ),
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
