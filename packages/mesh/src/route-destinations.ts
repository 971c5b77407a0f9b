import type { ResolvedVirtualService } from "./virtual-service.ts";

/** Host names that the routes of a VirtualService lead to, each with the ports named (empty: all). */
export function destinationsOf(
  virtualService: ResolvedVirtualService,
  namespace?: string,
): ReadonlyMap<string, ReadonlySet<number>> {
  const found = new Map<string, Set<number>>();
  const whole = new Set<string>();
  const add = (destination: { host?: string; port?: { number?: number } } | undefined) => {
    if (!destination?.host) return;
    const ports = found.get(destination.host) ?? new Set();
    found.set(destination.host, ports);
    if (destination.port?.number) ports.add(destination.port.number);
    else whole.add(destination.host);
  };
  const applies = (matches: readonly { sourceNamespace?: string }[] | undefined) =>
    namespace === undefined ||
    !matches ||
    matches.length === 0 ||
    matches.some((match) => !match.sourceNamespace || match.sourceNamespace === namespace);
  for (const { rule } of virtualService.http) {
    if (!applies(rule.match)) continue;
    const { route, mirror, mirrors } = rule;
    for (const entry of route ?? []) add(entry.destination);
    add(mirror);
    for (const entry of mirrors ?? []) add(entry.destination);
  }
  for (const { rule } of [...virtualService.tls, ...virtualService.tcp])
    if (applies(rule.match)) for (const entry of rule.route ?? []) add(entry.destination);
  for (const host of whole) found.set(host, new Set());
  return found;
}
