// What Secrets and ConfigMaps hold, looked at from outside: whether there is PEM in it, not whether it is signed by anyone.
import type { Content } from "./world.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/;
const PRIVATE_KEY = /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/;

/** Why a Secret cannot be a server's or a client's certificate; undefined: nothing speaks against it. */
export function keyPairFault(content: Content | "unknown"): string | undefined {
  if (content === "unknown") return undefined;
  for (const [certificate, key] of [
    ["cert", "key"],
    ["tls.crt", "tls.key"],
  ] as const)
    if (content[certificate] && content[key]) return pairFault(content[certificate], content[key]);
  for (const [certificate, key] of [
    ["cert", "key"],
    ["tls.crt", "tls.key"],
  ] as const)
    if (certificate in content && key in content)
      return `found keys "${certificate}" and "${key}", but they were empty`;
  return `found secret, but didn't have expected keys (cert and key) or (tls.crt and tls.key); found: ${keysOf(content)}`;
}

function pairFault(certificate: string, key: string): string | undefined {
  const fault = isCertificate(certificate)
    ? PRIVATE_KEY.test(key)
      ? undefined
      : "tls: failed to find any PEM data in key input"
    : "tls: failed to find any PEM data in certificate input";
  return fault && `the certificate is malformed: ${fault}`;
}

/** Why there are no roots in it. */
export function rootsFault(content: Content | "unknown"): string | undefined {
  if (content === "unknown") return undefined;
  const roots = rootsIn(content);
  if (typeof roots === "string") return roots;
  return isCertificate(roots.pem) ? undefined : "the bundle is malformed";
}

/** Why no key of it is one that roots are kept under. */
export function rootsMissing(content: Content | "unknown"): string | undefined {
  const roots = content === "unknown" ? undefined : rootsIn(content);
  return typeof roots === "string" ? roots : undefined;
}

function rootsIn(content: Content): string | { readonly pem: string } {
  for (const key of ["cacert", "ca.crt"]) if (content[key]) return { pem: content[key] };
  for (const key of ["cacert", "ca.crt"]) if (key in content) return `found key "${key}", but it was empty`;
  return `found secret, but didn't have expected keys cacert or ca.crt; found: ${keysOf(content)}`;
}

/** Whether the text has a certificate whose encoding is plausible: base64 of an ASN.1 sequence. */
function isCertificate(pem: string): boolean {
  const [, body] = CERTIFICATE.exec(pem) ?? [];
  return body?.replaceAll(/\s/g, "").startsWith("MI") ?? false;
}

function keysOf(content: Content): string {
  const keys = Object.keys(content).sort();
  return keys.length < 3 ? keys.join(", ") : `${keys.slice(0, 3).join(", ")}, and ${keys.length - 3} more...`;
}
