/**
 * Host names as Istio writes them: lower-case DNS names, of which the left-most label (or the whole) may be the
 * wildcard `*`. Comparison is by suffix: `*.example.com` covers `a.example.com` and `*.b.example.com`.
 */

export function isWildcardHost(host: string): boolean {
  return host.startsWith("*");
}

/** Whether the two have a name in common: equal, or one a wildcard that covers the other. */
export function hostsOverlap(a: string, b: string): boolean {
  const wildA = isWildcardHost(a);
  const wildB = isWildcardHost(b);
  if (wildA && wildB) {
    const suffixA = a.slice(1);
    const suffixB = b.slice(1);
    return suffixA.endsWith(suffixB) || suffixB.endsWith(suffixA);
  }
  if (wildA) return b.endsWith(a.slice(1));
  if (wildB) return a.endsWith(b.slice(1));
  return a === b;
}

/** Whether every name of `host` is a name of `parent`. */
export function isSubsetHost(host: string, parent: string): boolean {
  if (isWildcardHost(parent))
    return host.length >= parent.length && host.slice(isWildcardHost(host) ? 1 : 0).endsWith(parent.slice(1));
  return host === parent;
}

/** Sort order, most specific first: exact names before wildcards, longer before shorter, then alphabetical. */
export function compareHostSpecificity(a: string, b: string): number {
  const wildA = isWildcardHost(a);
  if (wildA !== isWildcardHost(b)) return wildA ? 1 : -1;
  return b.length - a.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** The most specific of `candidates` that covers `host`. */
export function mostSpecificHost(host: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  for (const candidate of candidates)
    if (isSubsetHost(host, candidate) && (best === undefined || compareHostSpecificity(candidate, best) < 0))
      best = candidate;
  return best;
}

/**
 * The full name of `host` seen from an object in `namespace`: a name without dots is a Kubernetes service there.
 * Source: Istio `model.ResolveShortnameToFQDN`.
 */
export function resolveShortHost(host: string, namespace: string, domainSuffix = "cluster.local"): string {
  if (host === "*" || host === "" || host.includes(".") || isWildcardHost(host)) return host;
  return `${host}.${namespace}.svc.${domainSuffix}`;
}

/** The full name of a Kubernetes service. */
export function kubernetesHost(name: string, namespace: string, domainSuffix = "cluster.local"): string {
  return `${name}.${namespace}.svc.${domainSuffix}`;
}
