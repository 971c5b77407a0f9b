import type { RouteConfigurationMatch } from "@fairlead/config";
import type { Reader } from "@fairlead/mesh";
import type { Route, RouteConfiguration, VirtualHost } from "../../proto/types.ts";
import type { Build, Provenance } from "../generated.ts";
import { parseClusterName } from "../names.ts";
import { gatewayServersOf } from "../route/gateway-servers.ts";
import { patchList, patchValue } from "./list-patch.ts";
import { keepSource, mergeMessage } from "./merge.ts";
import { inContext, type Patch, type PatchContext, type PatchTarget, patchesOf } from "./patches.ts";

const merges = ({ operation }: Patch) => operation === "MERGE" || operation === "MERGE_AND_REPLACE_LIST";

/**
 * Routes with the EnvoyFilter patches that match them. Virtual hosts and routes are shared with other configurations, so
 * what is patched is copied.
 */
export function patchedRoutes(
  build: Build,
  original: RouteConfiguration,
  context: PatchContext,
  provenance?: Provenance,
): RouteConfiguration {
  const all = patchesOf(build.read).filter(
    (patch) =>
      patch.match.listener === undefined &&
      patch.match.cluster === undefined &&
      inContext(patch, context) &&
      configurationMatches(build.read, original, patch.match.routeConfiguration, context),
  );
  const of = (target: PatchTarget) => all.filter((patch) => patch.target === target);
  const hostPatches = of("VIRTUAL_HOST");
  const routePatches = of("HTTP_ROUTE");
  if (hostPatches.length === 0 && routePatches.length === 0 && of("ROUTE_CONFIGURATION").length === 0) return original;
  const merge = <T extends object>(type: string, base: T, patch: Patch): T => {
    build.uses(patch.source);
    build.patched(patch);
    const merged = mergeMessage(type, base, patch.value, patch.operation === "MERGE_AND_REPLACE_LIST");
    keepSource(provenance, base, merged);
    return merged;
  };
  let config = original;
  for (const patch of of("ROUTE_CONFIGURATION").filter(merges))
    config = merge("envoy.config.route.v3.RouteConfiguration", config, patch);
  const virtualHosts = (config.virtualHosts ?? []).flatMap((host) => {
    let patched = host;
    for (const patch of hostPatches) {
      if (!hostMatches(patched, patch)) continue;
      if (patch.operation === "REMOVE") {
        build.uses(patch.source);
        build.patched(patch);
        return [];
      }
      if (merges(patch)) patched = merge("envoy.config.route.v3.VirtualHost", patched, patch);
      else if (patch.operation === "REPLACE") {
        patched = patchValue<VirtualHost>(build, patch);
        build.patched(patch);
      }
    }
    return [withRoutes(build, patched, routePatches, merge, provenance)];
  });
  for (const patch of hostPatches)
    if (patch.operation === "ADD") {
      virtualHosts.push(patchValue<VirtualHost>(build, patch));
      build.patched(patch);
    }
  const result = { ...config, virtualHosts };
  keepSource(provenance, original, result);
  return result;
}

function withRoutes(
  build: Build,
  host: VirtualHost,
  patches: readonly Patch[],
  merge: <T extends object>(type: string, base: T, patch: Patch) => T,
  provenance: Provenance | undefined,
): VirtualHost {
  const own = patches.filter((patch) => hostMatches(host, patch));
  if (own.length === 0) return host;
  const routes = (host.routes ?? []).flatMap((route) => {
    let patched = route;
    for (const patch of own) {
      if (!routeMatches(patched, patch)) continue;
      if (patch.operation === "REMOVE") {
        build.uses(patch.source);
        build.patched(patch);
        return [];
      }
      if (merges(patch)) patched = merge("envoy.config.route.v3.Route", patched, patch);
    }
    return [patched];
  });
  for (const patch of own) {
    if (merges(patch) || patch.operation === "REMOVE" || patch.operation === "REPLACE") continue;
    const chosen = patch.match.routeConfiguration?.vhost?.route !== undefined;
    const matches = (route: Route) => routeMatches(route, patch);
    // A match with INSERT_FIRST is a condition: the place is the beginning all the same.
    if (patch.operation === "INSERT_FIRST" && chosen && !routes.some(matches)) continue;
    if (patchList(build, routes, patch, { chosen, matches })) build.patched(patch);
  }
  const result = { ...host, routes };
  keepSource(provenance, host, result);
  return result;
}

function configurationMatches(
  read: Reader,
  { name = "" }: RouteConfiguration,
  wanted: RouteConfigurationMatch | undefined,
  context: PatchContext,
): boolean {
  if (!wanted) return true;
  if (wanted.name && wanted.name !== name) return false;
  if (context !== "GATEWAY") {
    const port = parseClusterName(name)?.port ?? Number(name);
    return !wanted.portNumber || wanted.portNumber === port;
  }
  // `http.<port>` or `https.<port>.<port name>.<gateway>.<namespace>`
  const [kind, , portName = "", gateway = "", namespace = ""] = name.split(".");
  const https = kind === "https";
  if (wanted.portName && (!https || wanted.portName !== portName)) return false;
  if (wanted.gateway && (!https || wanted.gateway !== `${namespace}/${gateway}`)) return false;
  const servers = gatewayServersOf(read).byRouteName.get(name) ?? [];
  return !wanted.portNumber || servers.some(({ server }) => server.port.number === wanted.portNumber);
}

function hostMatches({ name, domains }: VirtualHost, { match }: Patch): boolean {
  const wanted = match.routeConfiguration?.vhost;
  return (
    !wanted ||
    ((!wanted.name || wanted.name === name) && (!wanted.domainName || (domains ?? []).includes(wanted.domainName)))
  );
}

const ACTIONS = { ROUTE: "route", REDIRECT: "redirect", DIRECT_RESPONSE: "directResponse" } as const;

function routeMatches(route: Route, { match }: Patch): boolean {
  const wanted = match.routeConfiguration?.vhost?.route;
  if (!wanted) return true;
  if (wanted.name && wanted.name !== route.name) return false;
  return !wanted.action || wanted.action === "ANY" || route[ACTIONS[wanted.action]] !== undefined;
}
