/**
 * What went wrong between this client and an API server:
 * - of the server's answer: `unauthorized`, `forbidden`, `not-found`, `already-exists`, `conflict` (the object was changed
 *   by someone else since it was read), `gone` (the resource version is too old), `invalid`, `too-many-requests`,
 *   `rejected` (any other 4xx), `server-error` (5xx);
 * - of the way there: `unreachable`, `timeout`, `bad-response` (no valid JSON, too large), `aborted`, `closed`;
 * - of what was asked for: `bad-options`, `denied` (a certificate request).
 */
export type KubernetesErrorCode =
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "already-exists"
  | "conflict"
  | "gone"
  | "invalid"
  | "too-many-requests"
  | "rejected"
  | "server-error"
  | "unreachable"
  | "timeout"
  | "bad-response"
  | "aborted"
  | "closed"
  | "bad-options"
  | "denied";

export interface KubernetesErrorOptions extends ErrorOptions {
  readonly status?: number;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
}

/** The one error class of this package. */
export class KubernetesError extends Error {
  readonly code: KubernetesErrorCode;
  /** HTTP status of the answer, if there was one. */
  readonly status: number | undefined;
  /** `reason` of the server's Status: `Conflict`, `AlreadyExists`, `Expired`, … */
  readonly reason: string | undefined;
  /** How long the server asks to be left alone. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: KubernetesErrorCode, message: string, options: KubernetesErrorOptions = {}) {
    super(message, options);
    this.name = "KubernetesError";
    this.code = code;
    this.status = options.status;
    this.reason = options.reason;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

const BY_STATUS: ReadonlyMap<number, KubernetesErrorCode> = new Map([
  [401, "unauthorized"],
  [403, "forbidden"],
  [404, "not-found"],
  [409, "conflict"],
  [410, "gone"],
  [422, "invalid"],
  [429, "too-many-requests"],
]);

/** The error that an API server's answer stands for. `body` is a `v1.Status` when the server wrote it. */
export function errorOfStatus(status: number, body: unknown, what: string, retryAfter?: string): KubernetesError {
  const { reason, message } = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const code =
    reason === "AlreadyExists"
      ? "already-exists"
      : (BY_STATUS.get(status) ?? (status >= 500 ? "server-error" : "rejected"));
  const seconds = Number(retryAfter);
  return new KubernetesError(code, `${what}: ${typeof message === "string" ? message : `status ${status}`}`, {
    status,
    ...(typeof reason === "string" && { reason }),
    ...(retryAfter !== undefined && Number.isFinite(seconds) && { retryAfterSeconds: seconds }),
  });
}
