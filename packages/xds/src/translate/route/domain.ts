import type { Reader } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import { domainAddresses } from "../service-addresses.ts";

/** IPv6 addresses in brackets, as they stand in a URL. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

export function hostWithPort(host: string, port: number): string {
  return `${bracketed(host)}:${port}`;
}

/** The names under which clients ask for a service. */
export interface Domains {
  readonly domains: readonly string[];
  /** Those among `domains` that stand for the full name only where nobody else has them as theirs. */
  readonly alternatives: readonly string[];
}

/**
 * The domains of a service: its names (aliases too), their short forms from where the node is, and its addresses. With
 * `port`, each with and without it; for a wildcard-free headless Kubernetes service also what is below its names.
 * Source: Istio `generateVirtualHostDomains`.
 */
export function serviceDomains(
  read: Reader,
  service: Service,
  aliases: readonly string[],
  port: number | undefined,
): Domains {
  const domains: string[] = [];
  const alternatives: string[] = [];
  let told = 0;
  for (const name of [service.hostname, ...aliases]) {
    push(domains, bracketed(name), port);
    for (const alternative of alternativeNames(read, name)) push(alternatives, bracketed(alternative), port);
    for (let at = told; at < alternatives.length; at++) domains.push(alternatives[at] as string);
    told = alternatives.length;
  }
  if (service.resolution === "Passthrough" && service.registry === "Kubernetes")
    domains.push(...domains.map((domain) => `*.${domain}`));
  for (const address of domainAddresses(read, service)) push(domains, bracketed(address), port);
  return { domains, alternatives };
}

function push(list: string[], host: string, port: number | undefined): void {
  list.push(host);
  if (port !== undefined) list.push(`${host}:${port}`);
}

/**
 * Other ways to write a host name: with a final dot, and as far as the node's DNS search path completes it. Reads no
 * more of the node's domain than decides. Source: Istio `GenerateAltVirtualHosts`.
 */
export function alternativeNames(read: Reader, hostname: string): readonly string[] {
  const absolute = isAddress(hostname) ? [] : [`${hostname}.`];
  const service = hostname.indexOf(".svc.");
  if (service < 0) {
    // Nothing is completed in Kubernetes but the names of its services; elsewhere the domain is what it is.
    const domain = read.fact("DNS domain outside Kubernetes", (node) =>
      node.dnsDomain.includes(".svc.") ? "" : node.dnsDomain,
    );
    return [...absolute, ...sharedSuffixNames(hostname, domain)];
  }
  const own = hostname.slice(hostname.indexOf(".") + 1);
  const relation = read.fact(`DNS domain as of ${own}`, (node) => relationOf(node.dnsDomain, own));
  const short = hostname.slice(0, service);
  if (relation === "same") return [...absolute, hostname.slice(0, hostname.indexOf(".")), `${short}.svc`, short];
  if (relation === "sibling") return [...absolute, short, `${short}.svc`];
  return [...absolute, ...sharedSuffixNames(hostname, relation.slice("elsewhere ".length))];
}

/** `same` for a node in the namespace `own` (`ns.svc.cluster.local`), `sibling` in another of the cluster, else where. */
function relationOf(domain: string, own: string): string {
  if (!domain.includes(".svc.")) return `elsewhere ${domain}`;
  if (domain === own) return "same";
  return own.endsWith(domain.slice(domain.indexOf(".svc."))) ? "sibling" : "elsewhere ";
}

/** `foo` and `foo.local…` for `foo.local.campus.net` where the domain ends alike. */
function sharedSuffixNames(hostname: string, domain: string): readonly string[] {
  // Most have nothing in common: that is seen without taking them apart.
  if (lastLabel(hostname) !== lastLabel(domain)) return [];
  const host = hostname.split(".");
  const from = domain.split(".");
  let shared = 0;
  while (shared < Math.min(host.length, from.length) && host.at(-1 - shared) === from.at(-1 - shared)) shared++;
  if (shared === 0 || shared === host.length) return [];
  const unique = host.slice(0, host.length - shared);
  const name = unique.join(".");
  return unique.length === 2 ? [name, `${name}.${host[unique.length] ?? ""}`] : [name];
}

function lastLabel(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function isAddress(host: string): boolean {
  return host.includes(":") || /^\d+(\.\d+){3}$/.test(host);
}
