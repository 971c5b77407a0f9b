import type { SpiffeId, Unsubscribe } from "@fairlead/model";
import type { Authority } from "../authority/authority.ts";

/** What an agent sends to its authority. */
export interface SigningRequest {
  /** PKCS #10, PEM. */
  readonly csr: string;
  readonly ttlSeconds: number | undefined;
  /** The certificate in use, PEM, to authenticate a renewal with; absent the first time and once it has ended. */
  readonly current: { readonly certificateChain: string; readonly privateKey: string } | undefined;
  /** The roots in use, PEM; absent the first time. */
  readonly roots: string | undefined;
  readonly signal: AbortSignal;
}

export interface SigningResponse {
  /** PEM, leaf first. */
  readonly certificateChain: readonly string[];
  /** PEM; an element may hold several certificates. */
  readonly roots: readonly string[];
}

/** The way to an authority. `close` frees what it holds. */
export interface CaClient {
  sign(request: SigningRequest): Promise<SigningResponse>;
  /** Calls `listener` with the roots whenever they change, where the way allows it. */
  watchRoots?(listener: (roots: readonly string[]) => void): Unsubscribe;
  /** Calls `listener` when certificates are signed with another key from now on, where the way allows it: time to renew. */
  watchSigner?(listener: () => void): Unsubscribe;
  close(): Promise<void>;
}

/** An authority in this process: for tests, and for a control plane's own certificate. The authority stays the caller's to close. */
export function inProcessClient(
  authority: Authority,
  identity: SpiffeId,
  names: { readonly dnsNames?: readonly string[]; readonly ipAddresses?: readonly string[] } = {},
): CaClient {
  return {
    async sign({ csr, ttlSeconds }) {
      return authority.issue({
        csr,
        identity,
        ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
        ...names,
        caller: { authenticator: "in-process", identity: identity.uri },
      });
    },
    watchRoots: (listener) => authority.subscribe(() => listener(authority.trustBundle.x509Authorities)),
    watchSigner(listener) {
      let last = authority.authorityId;
      return authority.subscribe(() => {
        if (authority.authorityId === last) return;
        last = authority.authorityId;
        listener();
      });
    },
    close: async () => undefined,
  };
}
