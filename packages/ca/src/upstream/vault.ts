import type { UpstreamAuthority } from "../authority/upstream.ts";
import { certificatePem } from "../certificate/authority-certificate.ts";
import { type Certificate, readCertificates } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import { sameBytes } from "../trust/path.ts";
import { httpsJson } from "./https-json.ts";

export interface VaultPkiOptions {
  /** `https://HOST:PORT` of a Vault or an OpenBao. */
  readonly url: string;
  /** Roots that its server certificate is checked against, PEM: pinned. */
  readonly roots: string;
  /** Its token needs `update` on `MOUNT/root/sign-intermediate`; a function is asked before each request. */
  readonly token: string | (() => string | Promise<string>);
  /** Where the PKI secrets engine is. Default `pki`. */
  readonly mount?: string;
  /** Vault's namespace (`X-Vault-Namespace`). Default: none. */
  readonly namespace?: string;
  /** Roots of the engine, PEM, where its own chain does not reach them: it holds an intermediate authority without its issuers. */
  readonly trustAnchors?: string;
  /** Default 10000. */
  readonly timeoutMs?: number;
}

/**
 * A PKI secrets engine of HashiCorp Vault (or OpenBao) as upstream, by its HTTP API: `POST MOUNT/root/sign-intermediate` for
 * signing certificates, `GET MOUNT/cert/ca_chain` for roots. The engine's `max_lease_ttl` must be as long as the signing
 * certificates are to live: it signs shorter ones otherwise. Throws OPTION_INVALID, BUNDLE_INVALID.
 *
 * Source: Vault documentation, "PKI secrets engine (API)".
 */
export function vaultPki(options: VaultPkiOptions): UpstreamAuthority {
  const { token, mount = "pki", namespace } = options;
  if (!/^[\w-]+(\/[\w-]+)*$/.test(mount)) throw new CaError("OPTION_INVALID", `${JSON.stringify(mount)} is no mount`);
  const call = httpsJson(options);
  const anchors = options.trustAnchors === undefined ? [] : readCertificates(options.trustAnchors, "BUNDLE_INVALID");
  const headers = async () => ({
    "x-vault-token": typeof token === "function" ? await token() : token,
    ...(namespace === undefined ? {} : { "x-vault-namespace": namespace }),
  });
  const name = `Vault at ${new URL(options.url).host}`;

  const rootsOf = (chain: readonly Certificate[]): string[] => {
    const roots = [...anchors, ...chain.filter(isRoot)];
    if (roots.length === 0)
      throw new CaError("BUNDLE_INVALID", `the chain of ${name} reaches no root; give it by trustAnchors`);
    return [...new Set(roots.map(certificatePem))];
  };
  return {
    name,
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
      const answer = await call("POST", `/v1/${mount}/root/sign-intermediate`, {
        body,
        headers: await headers(),
        signal,
      });
      const data = answer.data as Readonly<Record<string, unknown>> | undefined;
      // The chain begins with the certificate itself, and is missing where the engine is a root.
      const pems = [...texts(data?.certificate), ...texts(data?.ca_chain ?? data?.issuing_ca)];
      const found = pems.flatMap((pem) => readCertificates(pem, "BUNDLE_INVALID"));
      const chain = found.filter((one, index) => found.findIndex(({ der }) => sameBytes(der, one.der)) === index);
      return { certificateChain: chain.filter((one) => !isRoot(one)).map(certificatePem), roots: rootsOf(chain) };
    },
    async roots(signal) {
      const answer = await call("GET", `/v1/${mount}/cert/ca_chain`, { headers: await headers(), signal });
      const [pem = ""] = texts((answer.data as Readonly<Record<string, unknown>> | undefined)?.certificate);
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
