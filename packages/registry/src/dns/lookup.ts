/** What a service's endpoints are looked up by: SRV records (RFC 2782), or the addresses of a name and a port. */
export type DnsLookup = { readonly srv: string } | { readonly name: string; readonly port: number };

/** The part of `node:dns/promises` `Resolver` that is used; anything of that shape does. */
export interface DnsResolver {
  resolve4(name: string, options: { ttl: true }): Promise<readonly { address: string; ttl: number }[]>;
  resolve6(name: string, options: { ttl: true }): Promise<readonly { address: string; ttl: number }[]>;
  resolveSrv(name: string): Promise<readonly { name: string; port: number; priority: number; weight: number }[]>;
  cancel(): void;
}

export interface DnsAnswer {
  readonly address: string;
  readonly port: number;
  /** SRV weight; absent when all count the same. */
  readonly weight?: number;
}

export interface DnsResult {
  /** Sorted; empty when the name does not exist or has no such records. */
  readonly answers: readonly DnsAnswer[];
  /** Seconds after which an address record runs out; Infinity when there is none. */
  readonly ttl: number;
}

/**
 * Looks a service up. Of SRV records only those of the lowest priority count: the others are for when all of these are
 * gone from DNS. Throws the resolver's error when the answer is not known (a time-out, SERVFAIL), which is not the same
 * as no answer.
 */
export async function lookUp(resolver: DnsResolver, lookup: DnsLookup): Promise<DnsResult> {
  if ("name" in lookup) return addresses(resolver, lookup.name, lookup.port, undefined);
  const records = await resolver.resolveSrv(lookup.srv).catch(absent);
  const best = Math.min(...records.map(({ priority }) => priority));
  // A target "." says that the service is not offered here.
  const chosen = records.filter(({ priority, name }) => priority === best && name !== "" && name !== ".");
  const found = await Promise.all(
    chosen.map(({ name, port, weight }) => addresses(resolver, name, port, weight === 0 ? undefined : weight)),
  );
  return {
    answers: found.flatMap(({ answers }) => answers).sort(byAddress),
    ttl: Math.min(Number.POSITIVE_INFINITY, ...found.map(({ ttl }) => ttl)),
  };
}

async function addresses(
  resolver: DnsResolver,
  name: string,
  port: number,
  weight: number | undefined,
): Promise<DnsResult> {
  const [four, six] = await Promise.allSettled([
    resolver.resolve4(name, { ttl: true }).catch(absent),
    resolver.resolve6(name, { ttl: true }).catch(absent),
  ]);
  const records = [four, six].flatMap((result) => (result.status === "fulfilled" ? result.value : []));
  // One family will do: there are resolvers that never answer for the other.
  if (records.length === 0) for (const result of [four, six]) if (result.status === "rejected") throw result.reason;
  return {
    answers: records.map(({ address }) => ({ address, port, ...(weight !== undefined && { weight }) })).sort(byAddress),
    ttl: Math.min(Number.POSITIVE_INFINITY, ...records.map(({ ttl }) => ttl)),
  };
}

/** NXDOMAIN and an empty answer mean: none. */
function absent(error: unknown): readonly never[] {
  const { code } = error as { readonly code?: string };
  if (code === "ENOTFOUND" || code === "ENODATA") return [];
  throw error;
}

function byAddress(a: DnsAnswer, b: DnsAnswer): number {
  return a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port;
}
