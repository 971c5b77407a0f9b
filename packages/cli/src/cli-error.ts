/** A call that cannot be carried out: wrong words (`usage`) or a path that cannot be read (`unreadable`). Exit code 2. */
export class CliError extends Error {
  readonly code: "usage" | "unreadable";
  constructor(code: CliError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.code = code;
  }
}
