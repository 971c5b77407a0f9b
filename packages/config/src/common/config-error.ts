/** The one error class of this package: for edges (a path that is not there) and programmer errors. */
export class ConfigError extends Error {
  /** Stable: `PATH_NOT_FOUND`, `UNKNOWN_KIND`, `UNKNOWN_VERSION`, `NOT_FOUND`, `UNREADABLE`, `INVALID_PATH`. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConfigError";
    this.code = code;
  }
}
