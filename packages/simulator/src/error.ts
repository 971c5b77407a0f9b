/** `unknown-workload`, `unknown-host`: who asks, or whom, is not in the mesh. `malformed-request`, `malformed-resource`: what was given cannot be read. */
export type SimulatorErrorCode = "unknown-workload" | "unknown-host" | "malformed-request" | "malformed-resource";

/** A question that cannot be answered. The message says what was known. */
export class SimulatorError extends Error {
  override readonly name = "SimulatorError";
  readonly code: SimulatorErrorCode;

  constructor(code: SimulatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
