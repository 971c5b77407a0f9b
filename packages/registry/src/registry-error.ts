/** What went wrong at an edge of this package: `closed` (used after `close()`), `unreachable`, `bad-response`, `bad-options`. */
export type RegistryErrorCode = "closed" | "unreachable" | "bad-response" | "bad-options";

/** The one error class of this package; bad input is told as diagnostics instead. */
export class RegistryError extends Error {
  readonly code: RegistryErrorCode;

  constructor(code: RegistryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RegistryError";
    this.code = code;
  }
}
