/** `unknown-workload`, `unknown-host`, `unknown-target`: who asks, or whom, or what an event names, is not in the mesh. `malformed-request`, `malformed-resource`, `malformed-scenario`: what was given cannot be read. */
export type SimulatorErrorCode =
  | "unknown-workload"
  | "unknown-host"
  | "unknown-target"
  | "malformed-request"
  | "malformed-resource"
  | "malformed-scenario";

/** A question that cannot be answered. The message says what was known. */
export class SimulatorError extends Error {
  override readonly name = "SimulatorError";
  readonly code: SimulatorErrorCode;

  constructor(code: SimulatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
