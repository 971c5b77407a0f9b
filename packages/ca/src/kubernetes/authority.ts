import { randomUUID } from "node:crypto";
import {
  approveSigningRequest,
  createSigningRequest,
  type KubernetesClient,
  KubernetesError,
  RESOURCES,
  signedCertificate,
} from "@fairlead/kubernetes";
import { type Authority, type AuthorityOptions, issuanceOptions, trustDomainOf } from "../authority/authority.ts";
import { grantedNames } from "../authority/granted-names.ts";
import { type IssuedCertificate, type IssueRequest, record, refused } from "../authority/issue.ts";
import { startPoll } from "../authority/poll.ts";
import { grantedTtl } from "../authority/ttl.ts";
import { certificatePem } from "../certificate/authority-certificate.ts";
import { type Certificate, readCertificates } from "../certificate/parse.ts";
import { type CheckedCsr, checkCsr, mustAskForNoMore } from "../csr/policy.ts";
import { CaError } from "../error.ts";
import { createListeners } from "../listeners.ts";
import type { TrustBundle } from "../trust/bundle.ts";
import { sameBytes } from "../trust/path.ts";
import { verifyX509Svid } from "../trust/svid.ts";

export interface KubernetesAuthorityOptions extends Omit<AuthorityOptions, "policies" | "verifyAfterSign" | "random"> {
  /** Whoever made it closes it, after the authority. It needs `create`, `get`, `watch`, `delete` on requests, and `approve` for the signer. */
  readonly client: KubernetesClient;
  readonly trustDomain: string;
  /** `example.com/mesh`: who signs. Istio's `CERT_SIGNER_DOMAIN` joined with a caller's `CertSigner`. */
  readonly signerName: string;
  /** The signer's roots, PEM: a text, or what reads it, asked again every `pollSeconds`. A cluster does not tell them. */
  readonly roots: string | (() => string | Promise<string>);
  /** Whether this authority approves its own requests, as Istio's does. Default true; otherwise somebody else must. */
  readonly approve?: boolean;
  /** Milliseconds to wait for a signature. Default 10,000. */
  readonly timeout?: number;
}

/** What a workload's certificate is for. */
const USAGES = ["digital signature", "key encipherment", "server auth", "client auth"] as const;
/** The least that the API server takes, in seconds. */
const MIN_EXPIRATION = 600;

/**
 * An authority whose certificates a signer of a Kubernetes cluster signs (certificates.k8s.io/v1): files the caller's own
 * request, approves it, waits, and takes the request away again. The signer signs what the request says, so the request must
 * name exactly the authenticated caller's identity, and the certificate that comes back is checked: key, name, usages, and
 * the path to `roots`. The API server takes no lifetimes below 600 s: who asks for less
 * gets that.
 *
 * Source: Kubernetes, "Certificates and Certificate Signing Requests"; Istio `security/pkg/k8s/chiron`.
 * Throws {@link CaError} OPTION_INVALID, BUNDLE_INVALID; `issue` rejects with REQUEST_FAILED when the cluster does not answer in time,
 * POLICY_DENIED when the request is denied, SIGNING_FAILED when what was signed is not what was asked for.
 */
export async function kubernetesAuthority(options: KubernetesAuthorityOptions): Promise<Authority> {
  const { client, signerName, timeout = 10_000 } = options;
  const trustDomain = trustDomainOf(options);
  const pipeline = issuanceOptions(trustDomain, options);
  if (!/^[^/]+\.[^/]+\/.+$/.test(signerName))
    throw new CaError("OPTION_INVALID", `${JSON.stringify(signerName)} is no name of a signer (domain/name)`);
  const listeners = createListeners();
  const intermediates = new Map<string, Certificate>();
  let closed = false;
  let inFlight = 0;
  let bundle = await readBundle(undefined);

  async function readBundle(previous: TrustBundle | undefined): Promise<TrustBundle> {
    const pem = typeof options.roots === "string" ? options.roots : await options.roots();
    const x509Authorities = readCertificates(pem, "BUNDLE_INVALID").map(certificatePem);
    if (x509Authorities.length === 0) throw new CaError("BUNDLE_INVALID", "there is no root");
    if (previous && JSON.stringify(previous.x509Authorities) === JSON.stringify(x509Authorities)) return previous;
    return { trustDomain, x509Authorities, sequence: (previous?.sequence ?? 0) + 1, refreshHintSeconds: 300 };
  }
  const poll = startPoll(pipeline.clock, options.pollSeconds ?? 60, async () => {
    const next = await readBundle(bundle);
    if (next === bundle) return;
    bundle = next;
    listeners.tell();
  });

  const sign = async (request: IssueRequest, seconds: number): Promise<string> => {
    const name = `fairlead-${randomUUID()}`;
    const signal = AbortSignal.timeout(timeout);
    const expirationSeconds = Math.max(MIN_EXPIRATION, seconds);
    try {
      await createSigningRequest(
        client,
        { name, csr: request.csr, signerName, usages: USAGES, expirationSeconds },
        { signal },
      );
      if (options.approve !== false) {
        const message = `for ${request.identity.uri}, authenticated by ${request.caller?.authenticator ?? "the caller of the library"}`;
        await approveSigningRequest(client, name, { reason: "FairleadAuthenticated", message }, { signal });
      }
      return await signedCertificate(client, name, signal);
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      const code = error.code === "denied" ? "POLICY_DENIED" : "REQUEST_FAILED";
      throw new CaError(code, `the cluster's signer ${signerName}: ${error.message}`, { cause: error });
    } finally {
      // It holds nothing secret, and the cluster removes it by and by: nobody waits for it.
      client.delete(RESOURCES.certificateSigningRequests, name).catch(() => undefined);
    }
  };

  const run = async (request: IssueRequest): Promise<IssuedCertificate> => {
    if (closed) throw new CaError("CA_CLOSED", "the authority is closed");
    const checked = checkCsr(request.csr, pipeline.csr, []);
    const names = grantedNames(request.identity, trustDomain, request.dnsNames ?? [], request.ipAddresses ?? []);
    mustAskForNoMore(checked.parsed, names);
    if (checked.parsed.requested.names.length !== names.length)
      throw new CaError(
        "CSR_SAN_MISMATCH",
        `the cluster signs what the request names, so it must name ${names.map(({ value }) => value).join(", ")}`,
      );
    const seconds = grantedTtl(request.ttlSeconds, pipeline.ttl);
    const chain = await sign(request, seconds);
    return checkSigned(chain, request, checked);
  };

  const checkSigned = (pem: string, request: IssueRequest, { spki }: CheckedCsr): IssuedCertificate => {
    const fail = (why: string, cause?: unknown): never => {
      throw new CaError("SIGNING_FAILED", `the cluster's signer ${signerName}: ${why}`, { cause });
    };
    try {
      const { id } = verifyX509Svid(pem, { at: pipeline.clock.now(), bundle: () => bundle });
      if (id.uri !== request.identity.uri) fail(`signed ${id.uri} in place of ${request.identity.uri}`);
    } catch (error) {
      if (error instanceof CaError && error.code === "SIGNING_FAILED") throw error;
      fail((error as Error).message, error);
    }
    const [leaf = fail("sent no certificate"), ...above] = readCertificates(pem, "SIGNING_FAILED");
    if (!sameBytes(leaf.spki, spki)) fail("signed another key");
    const roots = bundle.x509Authorities.flatMap((root) => readCertificates(root, "BUNDLE_INVALID"));
    const chain = above.filter((one) => !roots.some((root) => sameBytes(root.der, one.der)));
    for (const one of chain) intermediates.set(one.serial, one);
    return {
      certificateChain: [leaf, ...chain].map(certificatePem),
      roots: bundle.x509Authorities,
      serial: leaf.serial,
      notBefore: new Date(leaf.notBefore),
      notAfter: new Date(leaf.notAfter),
      authorityId: signerName,
    };
  };

  const close = async () => {
    closed = true;
    poll.close();
    listeners.clear();
  };
  return {
    trustDomain,
    get trustBundle() {
      return bundle;
    },
    get intermediates() {
      return [...intermediates.values()].map(certificatePem);
    },
    authorityId: signerName,
    get notAfter() {
      const roots = bundle.x509Authorities.flatMap((root) => readCertificates(root, "BUNDLE_INVALID"));
      return Math.max(...roots.map(({ notAfter }) => notAfter));
    },
    async issue(request) {
      try {
        if (inFlight >= pipeline.maxInFlight)
          throw new CaError("RATE_LIMITED", "too many requests are being signed", { retryAfterMs: 500 });
        inFlight++;
        const issued = await run(request).finally(() => inFlight--);
        const { caller, identity } = request;
        if (pipeline.audit)
          record(pipeline.audit, {
            time: pipeline.clock.now(),
            outcome: "issued",
            ...(caller ? { caller } : {}),
            identity: identity.uri,
            serial: issued.serial,
            notBefore: issued.notBefore.getTime(),
            notAfter: issued.notAfter.getTime(),
            authorityId: signerName,
          });
        return issued;
      } catch (error) {
        throw refused(error, request, pipeline);
      }
    },
    subscribe: listeners.subscribe,
    close,
    [Symbol.asyncDispose]: close,
  };
}
