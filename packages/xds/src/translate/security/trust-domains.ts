/** `trust-domain/ns/<namespace>/sa/<account>`: five parts. */
function trustDomainOfPrincipal(principal: string): string | undefined {
  const parts = principal.split("/");
  return parts.length === 5 ? parts[0] : undefined;
}

const matchesPrefix = (text: string, pattern: string) => pattern.endsWith("*") && text.startsWith(pattern.slice(0, -1));
const matchesSuffix = (text: string, pattern: string) => pattern.startsWith("*") && text.endsWith(pattern.slice(1));

/** Whether either is a pattern (`*`, `*suffix`, `prefix*`) for the other, or they are equal. */
function related(a: string, b: string): boolean {
  return (
    a === b || b === "*" || matchesPrefix(a, b) || matchesPrefix(b, a) || matchesSuffix(a, b) || matchesSuffix(b, a)
  );
}

/**
 * Principals with those that mean the same in the other trust domains of the mesh. `trustDomains`: the mesh's own first,
 * then its aliases. `cluster.local` stands for the mesh's own. Source: Istio API, `MeshConfig.trustDomainAliases`.
 */
export function withTrustDomainAliases(
  principals: readonly string[],
  trustDomains: readonly string[],
): readonly string[] {
  return principals.flatMap((principal) => {
    const domain = trustDomainOfPrincipal(principal);
    if (domain === undefined || domain === "*") return [principal];
    if (domain !== "cluster.local" && !trustDomains.some((own) => related(domain, own))) return [principal];
    const rest = principal.slice(domain.length);
    return [...new Set(trustDomains.map((own) => (matchesSuffix(own, domain) ? principal : own + rest)))];
  });
}

/** Trust domains with all those of the mesh wherever one of them is among the values. */
export function expandTrustDomains(values: readonly string[], trustDomains: readonly string[]): readonly string[] {
  return [...new Set(values.flatMap((value) => (trustDomains.includes(value) ? trustDomains : [value])))];
}
