import { sameMembers } from "@fairlead/mesh";
import type { Service } from "@fairlead/model";
import type { HostPart } from "./virtual-host.ts";

/** A virtual host before it is settled whose the domains are that several want. */
export interface Candidate {
  readonly part: HostPart;
  readonly port: number;
  /** Absent: a name that only a VirtualService has. */
  readonly service: Service | undefined;
}

/** How that is settled, by the place of the candidate. */
export interface Settled {
  readonly candidates: readonly Candidate[];
  /** Empty: left out. */
  readonly domains: readonly (readonly string[])[];
  /** Those that stay, by name. */
  readonly order: readonly number[];
}

/** Who has which domains: whoever comes first. Candidates of the same names as before are settled as before. */
export function settle(candidates: readonly Candidate[], port: number, previous: Settled | undefined): Settled {
  if (previous && sameNames(candidates, previous.candidates)) return { ...previous, candidates };
  const fullNames = new Map<string, number[]>();
  for (const { service, port: number } of candidates) {
    if (!service) continue;
    const ports = fullNames.get(service.hostname);
    if (ports) ports.push(number);
    else fullNames.set(service.hostname, [number]);
  }
  const taken = { names: new Set<string>(), domains: new Set<string>() };
  const order: number[] = [];
  const domains = candidates.map(({ part, port: number }, at) => {
    const name = part.value.name ?? "";
    if (taken.names.has(name)) return [];
    taken.names.add(name);
    let free = freeDomains(part, taken.domains, fullNames);
    // A listener for all ports tells the others than 80 by what the host says.
    if (port === 0 && number !== 80) free = free.filter((domain) => domain.includes(":"));
    if (free.length > 0) order.push(at);
    return free;
  });
  const nameAt = (at: number) => candidates[at]?.part.value.name ?? "";
  order.sort((a, b) => (nameAt(a) < nameAt(b) ? -1 : 1));
  return { candidates, domains, order };
}

function sameNames(a: readonly Candidate[], b: readonly Candidate[]): boolean {
  return (
    a.length === b.length &&
    a.every((one, at) => {
      const other = b[at];
      return other !== undefined && (one === other || sameName(one, other));
    })
  );
}

function sameName(a: Candidate, b: Candidate): boolean {
  return (
    a.port === b.port &&
    a.service?.hostname === b.service?.hostname &&
    (a.part === b.part ||
      (a.part.value.name === b.part.value.name &&
        sameMembers(a.part.value.domains ?? [], b.part.value.domains ?? []) &&
        sameMembers(a.part.alternatives, b.part.alternatives)))
  );
}

/** Host names of services, with the ports that their virtual hosts are for. */
type FullNames = ReadonlyMap<string, readonly number[]>;

/** Whether a domain is the name of a service, or that with one of its ports. */
function isFullName(domain: string, names: FullNames): boolean {
  const colon = domain.lastIndexOf(":");
  return (
    names.has(domain) ||
    (colon > 0 && (names.get(domain.slice(0, colon)) ?? []).some((port) => String(port) === domain.slice(colon + 1)))
  );
}

/** The domains that nobody before has taken and that are nobody's full name. */
function freeDomains(part: HostPart, taken: Set<string>, fullNames: FullNames): readonly string[] {
  const domains = part.value.domains ?? [];
  return domains.filter((domain) => {
    // Envoy compares without regard to case, and takes no domain twice.
    const name = domain.toLowerCase();
    if (taken.has(name) || (part.alternatives.includes(domain) && isFullName(domain, fullNames))) return false;
    taken.add(name);
    return true;
  });
}
