/** What an authority asks of the one above it. */
export interface UpstreamRequest {
  /** PKCS #10, PEM; asks for the name `spiffe://TRUST_DOMAIN`. */
  readonly csr: string;
  readonly trustDomain: string;
  /** How long the signing certificate should live. */
  readonly ttlSeconds: number;
  /** The roots in use, PEM; absent the first time. */
  readonly roots: string | undefined;
  readonly signal: AbortSignal;
}

export interface UpstreamResponse {
  /** The signing certificate and those above it, PEM, one each, without the root. */
  readonly certificateChain: readonly string[];
  /** PEM; an element may hold several certificates. */
  readonly roots: readonly string[];
}

/**
 * The authority above ours: an implementation for each kind (`certificateServiceUpstream` and `stepCa` are here; a KMS-backed or cloud
 * service outside has these three methods). The answer is checked before it is used.
 */
export interface UpstreamAuthority {
  readonly name: string;
  /** Has a signing certificate made. Rejects with anything; it is tried again. */
  mint(request: UpstreamRequest): Promise<UpstreamResponse>;
  /** Its present roots, PEM, where it publishes them. */
  roots?(signal: AbortSignal): Promise<readonly string[]>;
  close(): Promise<void>;
}
