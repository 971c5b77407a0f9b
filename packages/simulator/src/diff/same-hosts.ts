import type { RouteConfiguration, VirtualHost } from "../envoy.ts";
import { indexOf, type Resources } from "../resources.ts";
import { same } from "./same.ts";

/** The virtual hosts that are the same on both sides, in configurations that differ in nothing else. */
export function sameHosts(before: Resources, after: Resources): ReadonlySet<VirtualHost> {
  const found = new Set<VirtualHost>();
  for (const now of after.routes ?? []) {
    const old = indexOf(before).routes.get(now.name ?? "");
    if (old === undefined || !same(settingsOf(old), settingsOf(now))) continue;
    const byName = hostsOf(old);
    for (const host of now.virtualHosts ?? []) {
      const twin = byName.get(host.name);
      if (twin && same(twin, host)) found.add(twin).add(host);
    }
  }
  return found;
}

const settings = new WeakMap<RouteConfiguration, object>();

/** All but the virtual hosts; one object for one configuration. */
export function settingsOf(configuration: RouteConfiguration): object {
  let found = settings.get(configuration);
  if (found === undefined) {
    const { virtualHosts: _, ...rest } = configuration;
    found = rest;
    settings.set(configuration, found);
  }
  return found;
}

const hosts = new WeakMap<RouteConfiguration, ReadonlyMap<string | undefined, VirtualHost>>();

/** The virtual hosts of a configuration by name. */
export function hostsOf(configuration: RouteConfiguration): ReadonlyMap<string | undefined, VirtualHost> {
  let found = hosts.get(configuration);
  if (found === undefined) {
    found = new Map((configuration.virtualHosts ?? []).map((host) => [host.name, host]));
    hosts.set(configuration, found);
  }
  return found;
}
