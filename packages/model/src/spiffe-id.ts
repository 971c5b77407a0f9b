import { IdentityError, parseTrustDomain, type TrustDomain } from "./trust-domain.ts";

/** A SPIFFE ID, taken apart. `path` is empty or starts with `/`. */
export interface SpiffeId {
  readonly trustDomain: TrustDomain;
  readonly path: string;
  /** The ID as a URI, byte for byte as parsed. */
  readonly uri: string;
}

const SCHEME = "spiffe://";

/**
 * Reads a SPIFFE ID by the strict grammar (SPIFFE-ID, section 2): lower-case scheme and trust domain, path segments of
 * `[A-Za-z0-9._-]`, none empty, `.` or `..`, no port, user info, query, fragment or percent-encoding, at most 2,048
 * bytes. Nothing is normalised. Throws {@link IdentityError}.
 */
export function parseSpiffeId(uri: string): SpiffeId {
  const fail = (reason: string): never => {
    throw new IdentityError("SPIFFE_ID_INVALID", `SPIFFE ID ${JSON.stringify(uri.slice(0, 120))}: ${reason}`);
  };
  if (uri.length > 2048) fail("longer than 2048 bytes");
  if (!uri.startsWith(SCHEME)) fail("does not start with spiffe://");
  const rest = uri.slice(SCHEME.length);
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? "" : rest.slice(slash);
  let trustDomain: TrustDomain;
  try {
    trustDomain = parseTrustDomain(authority);
  } catch {
    return fail("its trust domain is not of the form [a-z0-9._-]{1,255}");
  }
  if (path !== "")
    for (const segment of path.slice(1).split("/")) {
      if (segment === "") fail("has an empty path segment");
      if (segment === "." || segment === "..") fail("has a relative path segment");
      if (!/^[A-Za-z0-9._-]+$/.test(segment)) fail("a path segment holds other characters than [A-Za-z0-9._-]");
    }
  return { trustDomain, path, uri };
}

/**
 * The identity of a Kubernetes service account in Istio's form: `spiffe://TD/ns/NAMESPACE/sa/ACCOUNT`. Namespace and account
 * are one path segment each: a slash in one of them would spell another identity. Throws {@link IdentityError}.
 */
export function workloadSpiffeId(trustDomain: string, namespace: string, serviceAccount: string): SpiffeId {
  for (const [what, segment] of [
    ["namespace", namespace],
    ["service account", serviceAccount],
  ] as const)
    if (segment.includes("/"))
      throw new IdentityError("SPIFFE_ID_INVALID", `${what} ${JSON.stringify(segment)} holds a slash`);
  return parseSpiffeId(`${SCHEME}${trustDomain}/ns/${namespace}/sa/${serviceAccount}`);
}

/** Namespace and service account of an ID in Istio's form; undefined for any other path. */
export function parseWorkloadPath(
  id: SpiffeId,
): { readonly namespace: string; readonly serviceAccount: string } | undefined {
  const match = /^\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(id.path);
  return match?.[1] !== undefined && match[2] !== undefined
    ? { namespace: match[1], serviceAccount: match[2] }
    : undefined;
}
