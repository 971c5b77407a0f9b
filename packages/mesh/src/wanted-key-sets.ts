import { parseDuration } from "@fairlead/config";
import { keyServer, keySetUrl } from "./key-set.ts";
import type { Mesh } from "./mesh.ts";

/** Who fetches the keys of a `jwksUri`: this control plane all, the proxies those of servers in the mesh, or the proxies all. */
export type JwksFetchMode = "control-plane" | "hybrid" | "proxy";

/** A URL whose key set is needed. */
export interface WantedKeySet {
  readonly url: string;
  /** Milliseconds for an answer. */
  readonly timeout: number;
}

const DEFAULT_TIMEOUT = 5_000;
const LONGEST_TIMEOUT = 60_000;

/** The key sets that RequestAuthentications ask for and that the control plane is to fetch. */
export function wantedKeySets(mesh: Mesh, mode: JwksFetchMode): readonly WantedKeySet[] {
  const wanted: WantedKeySet[] = [];
  for (const { spec } of mesh.objects("RequestAuthentication"))
    for (const rule of spec.jwtRules ?? []) {
      const url = keySetUrl(rule);
      if (url === undefined) continue;
      // Proxies cannot find out where an issuer's keys are.
      if (rule.jwksUri && mode === "proxy") continue;
      if (rule.jwksUri && mode === "hybrid" && isInMesh(mesh, rule.jwksUri)) continue;
      const timeout = (rule.timeout && parseDuration(rule.timeout)) || DEFAULT_TIMEOUT;
      wanted.push({ url, timeout: Math.min(timeout, LONGEST_TIMEOUT) });
    }
  return wanted;
}

function isInMesh(mesh: Mesh, uri: string): boolean {
  return keyServer(uri)?.names.some((name) => (mesh.bucket("host", name) ?? []).length > 0) ?? false;
}
