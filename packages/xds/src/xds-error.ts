/** What can go wrong, for machines. */
export type XdsErrorCode =
  /** A message type the codec does not know. */
  | "unknown-type"
  | "unknown-field"
  | "unknown-enum-value"
  /** A value of the wrong type or out of range. */
  | "invalid-value"
  /** Two fields of one oneof, or one field by two names. */
  | "conflicting-fields"
  /** Bytes that are not the message they are said to be. */
  | "malformed"
  /** A node that a source does not serve. */
  | "invalid-node"
  | "listen-failed"
  | "insecure"
  | "closed";

/** The one error class of this package. The message starts with `[code]`. */
export class XdsError extends Error {
  override readonly name = "XdsError";
  readonly code: XdsErrorCode;
  /** Where in a message, as `filterChains[0].filters[1].typedConfig.statPrefix`; empty when not about a field. */
  readonly path: string;
  readonly detail: string;

  constructor(code: XdsErrorCode, detail: string, options: { path?: string; cause?: unknown } = {}) {
    const path = options.path ?? "";
    super(`[${code}] ${path ? `${path}: ` : ""}${detail}`, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.path = path;
    this.detail = detail;
  }

  /** The same error, seen from one level further out. `segment` is a field name or `[index]`. */
  within(segment: string): XdsError {
    const join = this.path === "" || this.path.startsWith("[") ? "" : ".";
    return new XdsError(this.code, this.detail, { path: `${segment}${join}${this.path}`, cause: this.cause });
  }
}
