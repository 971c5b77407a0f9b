import { getCACertificates } from "node:tls";
import type { TrustBundleSecret } from "@fairlead/model";

/** Istio's name for what this host trusts: clients' TLS without roots of its own (`SIMPLE` without `caCertificates`) is verified by it. */
export const SYSTEM_ROOTS = "file-root:system";

let held: TrustBundleSecret | undefined;

/** The roots of the operating system, read once; undefined where it has none. */
export function systemRoots(): TrustBundleSecret | undefined {
  if (held) return held;
  const roots = [...new Set(getCACertificates("system"))];
  held = roots.length > 0 ? { kind: "trust-bundle", roots: roots.join("\n") } : undefined;
  return held;
}
