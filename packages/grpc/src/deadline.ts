import { GrpcError, STATUS } from "./status.ts";

/** Milliseconds of each unit of `grpc-timeout` (gRPC over HTTP/2, "TimeoutUnit"). */
const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** The longest that a timer of Node runs. */
const LONGEST = 2 ** 31 - 1;

/** `grpc-timeout` in whole milliseconds, rounded up. Throws INTERNAL, as other implementations answer, for anything else. */
export function parseTimeout(value: string): number {
  const [, digits, unit = ""] = /^(\d{1,8})([HMSmun])$/.exec(value) ?? [];
  if (digits === undefined) throw new GrpcError(STATUS.internal, "grpc-timeout is malformed");
  return Math.min(Math.ceil(Number(digits) * (UNITS[unit] ?? 1)), LONGEST);
}
