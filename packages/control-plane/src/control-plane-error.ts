export type ControlPlaneErrorCode =
  /** An address that cannot be listened on. */
  | "listen-failed"
  /** A security setting that is missing: TLS without an authority, plaintext off loopback. */
  | "insecure"
  /** An option whose value cannot be. */
  | "option-invalid"
  /** A source that never became ready. */
  | "not-ready"
  /** Waiting ended before every proxy had accepted. */
  | "not-converged"
  | "closed";

/** The one error class of this package. */
export class ControlPlaneError extends Error {
  readonly code: ControlPlaneErrorCode;
  constructor(code: ControlPlaneErrorCode, message: string, options?: ErrorOptions) {
    super(`[${code}] ${message}`, options);
    this.name = "ControlPlaneError";
    this.code = code;
  }
}
