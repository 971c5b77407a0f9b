import { isSubsetHost, isWildcardHost } from "@fairlead/model";

/** One `namespace/host` of an egress listener. */
export interface HostPattern {
  readonly namespace: string;
  readonly host: string;
  readonly excluded: boolean;
}

/** The hosts of an egress listener; `~` imports nothing. */
export function parseHosts(hosts: readonly string[], namespace: string): readonly HostPattern[] {
  return hosts.flatMap((entry) => {
    const slash = entry.indexOf("/");
    if (slash < 0) return [];
    const excluded = entry.startsWith("~");
    const scope = entry.slice(excluded ? 1 : 0, slash) || "*";
    return scope === "~"
      ? []
      : [{ namespace: scope === "." ? namespace : scope, host: entry.slice(slash + 1), excluded }];
  });
}

export function covers(pattern: HostPattern, namespace: string): boolean {
  return pattern.namespace === "*" || pattern.namespace === namespace;
}

/** Exact names match exactly; a wildcard covers what is a subset of it. */
export function importsHost(pattern: HostPattern, host: string): boolean {
  return (
    pattern.host === host ||
    ((isWildcardHost(pattern.host) || isWildcardHost(host)) && isSubsetHost(host, pattern.host))
  );
}
