import type { RouteConfiguration, VirtualHost } from "../envoy.ts";

interface WildcardGroup {
  readonly length: number;
  readonly hosts: ReadonlyMap<string, VirtualHost>;
}

/** The virtual hosts of a route configuration, indexed as Envoy does. Names are compared in lower case. */
export interface VirtualHostIndex {
  readonly exact: ReadonlyMap<string, VirtualHost>;
  /** `*.example.com`, longest first. */
  readonly suffixes: readonly WildcardGroup[];
  /** `example.*`, longest first. */
  readonly prefixes: readonly WildcardGroup[];
  readonly any: VirtualHost | undefined;
}

export function indexVirtualHosts({ virtualHosts = [] }: RouteConfiguration): VirtualHostIndex {
  const exact = new Map<string, VirtualHost>();
  const suffixes = new Map<number, Map<string, VirtualHost>>();
  const prefixes = new Map<number, Map<string, VirtualHost>>();
  let any: VirtualHost | undefined;
  const put = (groups: Map<number, Map<string, VirtualHost>>, text: string, host: VirtualHost) => {
    const group = groups.get(text.length) ?? new Map<string, VirtualHost>();
    if (!group.has(text)) group.set(text, host);
    groups.set(text.length, group);
  };
  for (const host of virtualHosts)
    for (const written of host.domains ?? []) {
      const domain = written.toLowerCase();
      if (domain === "*") any ??= host;
      else if (domain.startsWith("*")) put(suffixes, domain.slice(1), host);
      else if (domain.endsWith("*")) put(prefixes, domain.slice(0, -1), host);
      else if (!exact.has(domain)) exact.set(domain, host);
    }
  const sorted = (groups: Map<number, Map<string, VirtualHost>>) =>
    [...groups].sort(([a], [b]) => b - a).map(([length, hosts]) => ({ length, hosts }));
  return { exact, suffixes: sorted(suffixes), prefixes: sorted(prefixes), any };
}

/** The virtual host of an authority, and the domain that matched: exact, then suffix, then prefix wildcard, then `*`. */
export function findVirtualHost(
  index: VirtualHostIndex,
  authority: string,
): { readonly host: VirtualHost; readonly domain: string } | undefined {
  const name = authority.toLowerCase();
  const exact = index.exact.get(name);
  if (exact) return { host: exact, domain: name };
  // A wildcard stands for at least one character.
  for (const { length, hosts } of index.suffixes) {
    if (length >= name.length) continue;
    const suffix = name.slice(name.length - length);
    const host = hosts.get(suffix);
    if (host) return { host, domain: `*${suffix}` };
  }
  for (const { length, hosts } of index.prefixes) {
    if (length >= name.length) continue;
    const prefix = name.slice(0, length);
    const host = hosts.get(prefix);
    if (host) return { host, domain: `${prefix}*` };
  }
  return index.any && { host: index.any, domain: "*" };
}

/** Takes the port off an authority; IPv6 addresses keep their brackets. */
export function withoutPort(authority: string): string {
  return authority.replace(/^(\[[^\]]*\]|[^:]*):\d*$/, "$1");
}
