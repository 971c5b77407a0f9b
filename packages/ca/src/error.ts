/** gRPC status numbers used by the certificate authority (grpc/status, `google.rpc.Code`). */
const INVALID_ARGUMENT = 3;
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

/**
 * Every code an error of this package can carry, with the gRPC status it has on the wire and whether its message may be
 * shown to the caller. Authentication failures are opaque: which check failed is for the audit record only.
 */
export const CA_ERRORS = {
  CSR_MALFORMED: { grpc: INVALID_ARGUMENT, public: true },
  CSR_TOO_LARGE: { grpc: INVALID_ARGUMENT, public: true },
  CSR_BAD_SIGNATURE: { grpc: INVALID_ARGUMENT, public: true },
  CSR_UNSUPPORTED_ALG: { grpc: INVALID_ARGUMENT, public: true },
  CSR_UNSUPPORTED_KEY: { grpc: INVALID_ARGUMENT, public: true },
  CSR_WEAK_KEY: { grpc: INVALID_ARGUMENT, public: true },
  CSR_INVALID_KEY: { grpc: INVALID_ARGUMENT, public: true },
  CSR_DENIED_KEY: { grpc: PERMISSION_DENIED, public: true },
  CSR_SAN_MISMATCH: { grpc: INVALID_ARGUMENT, public: true },
  CSR_FORBIDDEN_EXTENSION: { grpc: INVALID_ARGUMENT, public: true },
  CSR_FORBIDDEN_SUBJECT: { grpc: INVALID_ARGUMENT, public: true },
  TTL_TOO_LONG: { grpc: INVALID_ARGUMENT, public: true },
  SIGNER_UNKNOWN: { grpc: INVALID_ARGUMENT, public: true },
  POLICY_DENIED: { grpc: PERMISSION_DENIED, public: true },
  RATE_LIMITED: { grpc: RESOURCE_EXHAUSTED, public: true },
  SPIFFE_ID_INVALID: { grpc: UNAUTHENTICATED, public: false },
  UNAUTHENTICATED: { grpc: UNAUTHENTICATED, public: false },
  IMPERSONATION_DENIED: { grpc: UNAUTHENTICATED, public: false },
  SVID_INVALID: { grpc: UNAUTHENTICATED, public: false },
  CA_EXPIRED: { grpc: UNAVAILABLE, public: true },
  CA_NOT_READY: { grpc: UNAVAILABLE, public: true },
  CA_CLOSED: { grpc: UNAVAILABLE, public: true },
  SIGNING_FAILED: { grpc: INTERNAL, public: false },
  CERTIFICATE_MALFORMED: { grpc: INVALID_ARGUMENT, public: true },
  BUNDLE_INVALID: { grpc: INTERNAL, public: false },
  BUNDLE_REJECTED: { grpc: FAILED_PRECONDITION, public: false },
  CRL_INVALID: { grpc: INTERNAL, public: false },
  KEY_NOT_FOUND: { grpc: INTERNAL, public: false },
  KEY_INVALID: { grpc: INTERNAL, public: false },
  KEY_MISMATCH: { grpc: INTERNAL, public: false },
  KEY_PERMISSIONS: { grpc: INTERNAL, public: false },
  STORE_INVALID: { grpc: INTERNAL, public: false },
  STORE_FAILED: { grpc: INTERNAL, public: false },
  ROTATION_REFUSED: { grpc: FAILED_PRECONDITION, public: true },
  REQUEST_FAILED: { grpc: UNAVAILABLE, public: true },
  SECRET_NOT_FOUND: { grpc: NOT_FOUND, public: true },
  OPTION_INVALID: { grpc: INVALID_ARGUMENT, public: true },
} as const satisfies Record<string, { readonly grpc: number; readonly public: boolean }>;

export type CaErrorCode = keyof typeof CA_ERRORS;

/** What a peer is told when an error is not for its eyes. */
const OPAQUE: Readonly<Record<number, string>> = {
  [UNAUTHENTICATED]: "request authenticate failure",
  [INTERNAL]: "internal error",
  [FAILED_PRECONDITION]: "not possible now",
};

/** The one error class of this package. `code` is stable; messages are for people and hold no key, token or CSR. */
export class CaError extends Error {
  readonly code: CaErrorCode;
  /** Milliseconds after which trying again makes sense, on RATE_LIMITED. */
  readonly retryAfterMs: number | undefined;

  constructor(code: CaErrorCode, message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(`[${code}] ${message}`, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "CaError";
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** The gRPC status number for this error. */
  get grpcStatus(): number {
    return CA_ERRORS[this.code].grpc;
  }

  /** The text that may leave the process: details of authentication and internal failures stay inside. */
  get publicMessage(): string {
    return CA_ERRORS[this.code].public ? this.message : (OPAQUE[this.grpcStatus] ?? "internal error");
  }
}

/** Anything thrown, as a {@link CaError}: what is none of ours becomes `fallback`, with the cause kept. */
export function toCaError(error: unknown, fallback: CaErrorCode, message: string): CaError {
  return error instanceof CaError ? error : new CaError(fallback, message, { cause: error });
}
