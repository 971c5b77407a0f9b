import type { JwksFetchMode } from "@fairlead/mesh";
import type { Clock } from "../scheduler.ts";
import { blockedAddresses } from "./blocked.ts";
import { KeySets } from "./key-sets.ts";
import { fetchKeySet } from "./resolve.ts";

/** How the keys that RequestAuthentications name by URL or issuer are fetched. */
export interface JwksOptions {
  /**
   * Who fetches: `control-plane` (Istio's default), `hybrid` (the default: of servers in the mesh the proxies, through the
   * mesh; of others the control plane) or `proxy`. An issuer without `jwksUri` is always looked up by the control plane.
   */
  readonly mode?: JwksFetchMode;
  /**
   * Addresses (CIDR) that are not asked, whoever's name they have: RequestAuthentications are written by many. Link-local
   * addresses and metadata services of clouds never are.
   */
  readonly blockedCidrs?: readonly string[];
  /** Roots for HTTPS besides Node's own, PEM. */
  readonly roots?: string;
  /** Between two fetches that go well. Default 20 minutes, as Istio. Milliseconds. */
  readonly refresh?: number;
}

const REFRESH = 20 * 60_000;

export function createKeySets({ blockedCidrs = [], roots, refresh = REFRESH }: JwksOptions, clock: Clock): KeySets {
  const blocked = blockedAddresses(blockedCidrs);
  return new KeySets({
    fetch: ({ url, timeout }) => fetchKeySet(url, { timeout, blocked, ...(roots === undefined ? {} : { roots }) }),
    clock,
    refresh,
  });
}
