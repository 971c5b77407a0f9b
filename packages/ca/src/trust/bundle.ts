import type { TrustDomain } from "@fairlead/model";

/** The roots of one trust domain. Bundles of different trust domains are never merged (SPIFFE Trust Domain and Bundle, section 3). */
export interface TrustBundle {
  readonly trustDomain: TrustDomain;
  /** Root certificates, PEM, one each, no two equal. */
  readonly x509Authorities: readonly string[];
  /** Goes up by one with every change. */
  readonly sequence: number;
  /** How often consumers should look again, seconds. */
  readonly refreshHintSeconds: number;
}

/** All roots as one PEM text, the form Envoy and OpenSSL read. */
export function bundlePem(bundle: TrustBundle): string {
  return bundle.x509Authorities.map((pem) => (pem.endsWith("\n") ? pem : `${pem}\n`)).join("");
}
