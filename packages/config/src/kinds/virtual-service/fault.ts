import { checkDuration } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { HttpFault, HttpFaultAbort, HttpFaultDelay, Percent } from "./http-route.ts";

const GRPC_STATUS: ReadonlySet<string> = new Set([
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
]);

export function checkFault(fault: HttpFault | undefined, report: Report): void {
  if (fault === undefined) return;
  if (!fault.abort && !fault.delay) report.error("required", "one of abort, delay is required");
  if (fault.abort) checkAbort(fault.abort, report.at("abort"));
  if (fault.delay) checkDelay(fault.delay, report.at("delay"));
}

function checkAbort({ percentage, httpStatus, grpcStatus, http2Error }: HttpFaultAbort, report: Report): void {
  checkPercentage(percentage, report.at("percentage"));
  if (grpcStatus !== undefined) {
    if (!GRPC_STATUS.has(grpcStatus))
      report
        .at("grpcStatus")
        .error("unknown-value", `${JSON.stringify(grpcStatus)} is not a gRPC status, as NOT_FOUND`);
  } else if (http2Error !== undefined)
    report.at("http2Error").error("unsupported", "aborts by HTTP/2 error are not supported");
  else if (httpStatus === undefined) report.warning("ineffective", "aborts nothing: no status is given");
  else if (httpStatus < 200 || httpStatus > 600)
    report.at("httpStatus").error("out-of-range", `must be from 200 to 599, is ${httpStatus}`);
}

function checkDelay({ percentage, fixedDelay, exponentialDelay }: HttpFaultDelay, report: Report): void {
  checkPercentage(percentage, report.at("percentage"));
  checkDuration(fixedDelay, report.at("fixedDelay"));
  if (exponentialDelay !== undefined) report.at("exponentialDelay").error("unsupported", "use fixedDelay");
}

function checkPercentage(percentage: Percent | undefined, report: Report): void {
  const value = percentage?.value ?? 0;
  if (value < 0 || value > 100 || (value > 0 && value < 0.0001))
    report.at("value").error("out-of-range", `must be 0 or from 0.0001 to 100, is ${value}`);
}
