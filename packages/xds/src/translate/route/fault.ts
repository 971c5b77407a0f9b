import type { HttpFault, HttpFaultAbort, HttpFaultDelay } from "@fairlead/config";
import type { FaultAbort, FaultDelay, HTTPFault } from "../../proto/types.ts";
import { durationOf } from "../listener/node-settings.ts";
import { fractionOf, wholePercent } from "./percent.ts";

/** Source: grpc `codes`. */
const GRPC_STATUS = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** Says that a field (path below the fault) has no counterpart in Envoy. */
type Unsupported = (path: string, message: string) => void;

/** The fault filter's settings for a route; undefined when nothing is left of them. Source: Istio API, `HTTPFaultInjection`. */
export function httpFault(fault: HttpFault, unsupported: Unsupported): HTTPFault | undefined {
  const delay = fault.delay && faultDelay(fault.delay, unsupported);
  const abort = fault.abort && faultAbort(fault.abort, unsupported);
  return delay || abort ? { ...(delay ? { delay } : {}), ...(abort ? { abort } : {}) } : undefined;
}

function faultDelay(delay: HttpFaultDelay, unsupported: Unsupported): FaultDelay | undefined {
  const fixedDelay = durationOf(delay.fixedDelay);
  if (!fixedDelay) {
    unsupported(
      delay.exponentialDelay === undefined ? "delay" : "delay.exponentialDelay",
      "only fixed delays can be injected; this delay is left out",
    );
    return undefined;
  }
  return { fixedDelay, percentage: delay.percentage ? fractionOf(delay.percentage) : wholePercent(delay.percent ?? 0) };
}

function faultAbort(abort: HttpFaultAbort, unsupported: Unsupported): FaultAbort | undefined {
  const percentage = abort.percentage ? { percentage: fractionOf(abort.percentage) } : {};
  if (abort.httpStatus !== undefined) return { httpStatus: abort.httpStatus, ...percentage };
  const code = abort.grpcStatus === undefined ? -1 : GRPC_STATUS.indexOf(abort.grpcStatus);
  if (code >= 0) return { grpcStatus: code, ...percentage };
  const [path, message] =
    abort.http2Error !== undefined
      ? ["abort.http2Error", "only HTTP and gRPC status codes can be injected; this abort is left out"]
      : ["abort", `${JSON.stringify(abort.grpcStatus ?? "")} is not a gRPC status; this abort is left out`];
  unsupported(path, message);
  return undefined;
}
