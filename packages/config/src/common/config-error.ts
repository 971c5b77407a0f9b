import type { Diagnostic } from "@fairlead/model";

/** The one error class of this package: for edges (a path that is not there) and programmer errors. */
export class ConfigError extends Error {
  /**
   * Stable: `PATH_NOT_FOUND`, `UNKNOWN_KIND`, `UNKNOWN_VERSION`, `NOT_FOUND`, `UNREADABLE`, `INVALID_PATH`; of writes to
   * stores also `CONFLICT` (changed since it was read), `INVALID_OBJECT`, `REFUSED` (by the server that holds it),
   * `UNSUPPORTED`, `UNAVAILABLE`.
   */
  readonly code: string;
  /** Of `INVALID_OBJECT`: everything that is wrong. */
  readonly diagnostics: readonly Diagnostic[];

  constructor(
    code: string,
    message: string,
    { diagnostics = [], ...options }: ErrorOptions & { readonly diagnostics?: readonly Diagnostic[] } = {},
  ) {
    super(message, options);
    this.name = "ConfigError";
    this.code = code;
    this.diagnostics = diagnostics;
  }
}
