import { CaError, toCaError } from "../error.ts";
import { createListeners } from "../listeners.ts";
import type { TrustBundle } from "../trust/bundle.ts";
import type { Revocations } from "../trust/crl.ts";
import { sameBytes } from "../trust/path.ts";
import { type Authority, type AuthorityOptions, issuanceOptions, trustDomainOf } from "./authority.ts";
import { createIssuance } from "./issue.ts";
import { createIssuer, type Issuer, selfTest } from "./issuer.ts";
import { type PluggedBundle, readPluggedFiles } from "./plugged-files.ts";
import { startPoll } from "./poll.ts";

export interface PluggedOptions extends AuthorityOptions {
  readonly trustDomain: string;
  /** A directory with Istio's `cacerts` files, or with those of a `kubernetes.io/tls` secret. */
  readonly directory: string;
  /**
   * Accepts a root bundle that shares no root with the present one. Off by default: proxies would stop trusting each
   * other until all have the new roots.
   */
  readonly allowUnrelatedRoots?: boolean;
  /** Told of each look at the directory that was refused or that left something out. */
  readonly onProblem?: (error: CaError) => void;
}

export interface PluggedAuthority extends Authority {
  /** Reads the directory again. Throws and keeps what is in force when the files do not hold. */
  reload(): Promise<void>;
  /** Whether a certificate was revoked by the directory's CRLs. Without CRLs: never. */
  readonly isRevoked: Revocations;
  /** Those of the directory. */
  revocationLists(): Promise<string>;
}

interface State {
  readonly issuer: Issuer;
  readonly bundle: TrustBundle;
  readonly files: PluggedBundle;
}

/**
 * An authority whose signing certificate was made elsewhere: `ca-cert.pem`, `ca-key.pem`, `root-cert.pem`,
 * `cert-chain.pem`, `ca-crl.pem`. The directory is read again every `pollSeconds`; files that do not hold leave the old
 * ones in force. Throws {@link CaError} (BUNDLE_INVALID, CRL_INVALID) when the first look fails.
 */
export async function pluggedAuthority(options: PluggedOptions): Promise<PluggedAuthority> {
  const trustDomain = trustDomainOf(options);
  const pipeline = issuanceOptions(trustDomain, options);
  const issuance = createIssuance(pipeline);
  const listeners = createListeners();
  let closed = false;

  const read = async (previous: State | undefined): Promise<State> => {
    const files = await readPluggedFiles(options.directory, pipeline.clock.now());
    if (previous && files.fingerprint === previous.files.fingerprint) return previous;
    const issuer = createIssuer(files.signer, files.path, files.roots);
    await selfTest(issuer);
    const related =
      previous?.files.roots.some((old) => files.roots.some((root) => sameBytes(root.der, old.der))) ?? true;
    if (!related && options.allowUnrelatedRoots !== true)
      throw new CaError(
        "BUNDLE_REJECTED",
        "the new roots share none with the present ones; add the new root to the old first",
      );
    for (const warning of files.warnings) options.onProblem?.(new CaError("BUNDLE_INVALID", warning));
    const sameRoots = previous && JSON.stringify(previous.issuer.roots) === JSON.stringify(issuer.roots);
    const sequence = previous === undefined ? 1 : previous.bundle.sequence + (sameRoots ? 0 : 1);
    return { issuer, files, bundle: { trustDomain, x509Authorities: issuer.roots, sequence, refreshHintSeconds: 300 } };
  };
  let state = await read(undefined);
  const intermediates = new Set<string>(state.issuer.chain);
  const reload = async () => {
    try {
      const next = await read(state);
      if (next === state) return;
      state = next;
      for (const pem of next.issuer.chain) intermediates.add(pem);
    } catch (error) {
      const failure = toCaError(error, "BUNDLE_INVALID", (error as Error).message);
      options.onProblem?.(failure);
      throw failure;
    }
    listeners.tell();
  };
  const poll = startPoll(pipeline.clock, options.pollSeconds ?? 60, reload);
  const close = async () => {
    closed = true;
    poll.close();
    listeners.clear();
  };
  return {
    trustDomain,
    get trustBundle() {
      return state.bundle;
    },
    get intermediates() {
      return [...intermediates];
    },
    get authorityId() {
      return state.issuer.authorityId;
    },
    get notAfter() {
      return state.issuer.notAfter;
    },
    isRevoked: (certificate) => state.files.revocations?.(certificate) ?? false,
    // Somebody else signs them, and says until when they are good.
    revocationLists: async () => state.files.revocationLists,
    issue(request) {
      if (closed) return Promise.reject(new CaError("CA_CLOSED", "the authority is closed"));
      return issuance(request, () => state.issuer);
    },
    subscribe: listeners.subscribe,
    reload,
    close,
    [Symbol.asyncDispose]: close,
  };
}
