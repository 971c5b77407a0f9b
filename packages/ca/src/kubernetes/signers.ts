import type { Authority } from "../authority/authority.ts";
import { CaError } from "../error.ts";
import { type KubernetesAuthorityOptions, kubernetesAuthority } from "./authority.ts";

export interface KubernetesSignersOptions extends Omit<KubernetesAuthorityOptions, "signerName" | "roots"> {
  /** What the names of the signers begin with, without the slash: Istio's `CERT_SIGNER_DOMAIN`. */
  readonly domain: string;
  /**
   * The roots of the signer of this whole name (`example.com/foo`), PEM; undefined: there is no such signer. Asked again every
   * `pollSeconds`. Istio's are those of `caCertificates` in the mesh's configuration whose `certSigners` name it.
   */
  readonly roots: (signerName: string) => string | undefined;
}

/** The signers of a cluster, by the names that callers know: `signers` of a certificate service. The caller closes it. */
export interface KubernetesSigners {
  /** The authority of `domain/name`; undefined where its roots are not known. Rejects when they do not hold. */
  get(name: string): Promise<Authority | undefined>;
  close(): Promise<void>;
}

/** What Kubernetes takes after the slash of a signer's name, and not too long to keep. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/**
 * Several signers of the cluster's signing API under one domain, each a {@link kubernetesAuthority} with roots of its own, made
 * when it is first asked for: a request says by its metadata `CertSigner` whose certificate it wants. Throws OPTION_INVALID.
 *
 * Source: Istio, "Custom CA integration using Kubernetes CSR"; `security/pkg/pki/ra/k8s_ra.go`.
 */
export function kubernetesSigners(options: KubernetesSignersOptions): KubernetesSigners {
  const { roots, ...shared } = options;
  const domain = parseSignerDomain(options.domain);
  const made = new Map<string, Promise<Authority>>();
  let closed = false;
  return {
    async get(name) {
      const signerName = `${domain}/${name}`;
      if (closed || !NAME.test(name) || roots(signerName) === undefined) return undefined;
      let authority = made.get(name);
      if (authority === undefined) {
        // A signer that is taken out of the settings keeps its roots until the process ends, and is not asked any more.
        let last = "";
        const current = () => {
          last = roots(signerName) ?? last;
          return last;
        };
        authority = kubernetesAuthority({ ...shared, signerName, roots: current });
        made.set(name, authority);
        authority.catch(() => made.delete(name));
      }
      return authority;
    },
    async close() {
      closed = true;
      await Promise.all(
        [...made.values()].map((one) => one.then((authority) => authority.close()).catch(() => undefined)),
      );
    },
  };
}

/** What is before the slash of a signer's name. Throws OPTION_INVALID. */
export function parseSignerDomain(domain: string): string {
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/.test(domain)) return domain;
  throw new CaError("OPTION_INVALID", `${JSON.stringify(domain)} is no domain of signers`);
}
