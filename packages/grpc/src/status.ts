/** gRPC status codes (gRPC, "Status codes and their use in gRPC"). */
export const STATUS = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;

/** Values of trailing metadata by lower-case name; bytes under names that end in `-bin` only. */
export type Metadata = Readonly<Record<string, string | Uint8Array>>;

/** How a call ends. */
export interface Status {
  readonly code: number;
  /** For people; the peer is told. */
  readonly details?: string;
  readonly metadata?: Metadata;
}

/** A call that failed, with what the peer is told: thrown by an answer, it becomes the status of the call. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: number;
  readonly metadata: Metadata | undefined;

  constructor(code: number, details: string, options: { readonly metadata?: Metadata; readonly cause?: unknown } = {}) {
    super(details, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.metadata = options.metadata;
  }

  get status(): Status {
    return { code: this.code, details: this.message, ...(this.metadata ? { metadata: this.metadata } : {}) };
  }
}
