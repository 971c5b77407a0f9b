import type { UpstreamAuthority } from "../authority/upstream.ts";
import { certificatePem } from "../certificate/authority-certificate.ts";
import { type Certificate, readCertificates } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import { sameBytes } from "../trust/path.ts";
import { type VaultOptions, vaultEngine } from "./connection.ts";

export interface VaultPkiOptions extends VaultOptions {
  /** Where the PKI secrets engine is. Default `pki`. */
  readonly mount?: string;
  /** Roots of the engine, PEM, where its own chain does not reach them: it holds an intermediate authority without its issuers. */
  readonly trustAnchors?: string;
}

/**
 * A PKI secrets engine of HashiCorp Vault (or OpenBao) as upstream, by its HTTP API: `sign-intermediate` of the
 * mount's `root` for signing certificates, which the token needs `update` on, and `GET MOUNT/cert/ca_chain` for roots. The engine's
 * `max_lease_ttl` must be as long as the signing certificates are to live: it signs shorter ones otherwise. Throws
 * OPTION_INVALID, BUNDLE_INVALID.
 *
 * Source: Vault documentation, "PKI secrets engine (API)".
 */
export function vaultPki(options: VaultPkiOptions): UpstreamAuthority {
  const engine = vaultEngine(options, options.mount ?? "pki");
  const anchors = options.trustAnchors === undefined ? [] : readCertificates(options.trustAnchors, "BUNDLE_INVALID");
  const rootsOf = (chain: readonly Certificate[]): string[] => {
    const roots = [...anchors, ...chain.filter(isRoot)];
    if (roots.length === 0)
      throw new CaError("BUNDLE_INVALID", `the chain of ${engine.name} reaches no root; give it by trustAnchors`);
    return [...new Set(roots.map(certificatePem))];
  };
  return {
    name: engine.name,
    async mint({ csr, trustDomain, ttlSeconds, signal }) {
      const body = {
        csr,
        common_name: `fairlead ${trustDomain}`,
        exclude_cn_from_sans: true,
        uri_sans: `spiffe://${trustDomain}`,
        ttl: `${ttlSeconds}s`,
        max_path_length: 0,
        format: "pem",
      };
      const { certificate, ca_chain, issuing_ca } = await engine.data("POST", "root/sign-intermediate", {
        body,
        signal,
      });
      // The chain begins with the certificate itself, and is missing where the engine is a root.
      const pems = [...texts(certificate), ...texts(ca_chain ?? issuing_ca)];
      const found = pems.flatMap((pem) => readCertificates(pem, "BUNDLE_INVALID"));
      const chain = found.filter((one, index) => found.findIndex(({ der }) => sameBytes(der, one.der)) === index);
      return { certificateChain: chain.filter((one) => !isRoot(one)).map(certificatePem), roots: rootsOf(chain) };
    },
    async roots(signal) {
      const [pem = ""] = texts((await engine.data("GET", "cert/ca_chain", { signal })).certificate);
      return rootsOf(readCertificates(pem, "BUNDLE_INVALID"));
    },
    close: async () => undefined,
  };
}

const isRoot = ({ subject, issuer }: Certificate): boolean => sameBytes(subject, issuer);

/** A text, or a list of some. */
function texts(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length > 0 && list.every((one) => typeof one === "string" && one !== "")) return list as string[];
  throw new CaError("REQUEST_FAILED", "Vault answered without certificates");
}
