import type { HTTPFault } from "../envoy.ts";
import { headerCondition } from "../match/header.ts";
import { percentage } from "../route/fraction.ts";
import type { HttpSubject } from "../subject.ts";
import { type FilterOutcome, PASS } from "./outcome.ts";

/** The fault filter: delays and aborts, each for its own share. Source: envoy.extensions.filters.http.fault.v3. */
export function applyFault(fault: HTTPFault, subject: HttpSubject, cluster: string): FilterOutcome {
  if (fault.upstreamCluster && fault.upstreamCluster !== cluster) return PASS;
  if (!(fault.headers ?? []).map(headerCondition).every((condition) => condition.matches(subject))) return PASS;
  return { ...delayOf(fault, subject), ...abortOf(fault, subject) };
}

function delayOf({ delay }: HTTPFault, { headers }: HttpSubject): FilterOutcome {
  const share = percentage(delay?.percentage);
  if (delay === undefined || share === 0) return PASS;
  const asked = delay.headerDelay && headers.get("x-envoy-fault-delay-request");
  const duration = delay.fixedDelay ?? (asked === undefined ? undefined : `${Number(asked) / 1000}s`);
  return duration === undefined ? PASS : { delay: { duration, share } };
}

function abortOf({ abort }: HTTPFault, { headers }: HttpSubject): FilterOutcome {
  const share = percentage(abort?.percentage);
  if (abort === undefined || share === 0) return PASS;
  const asked = abort.headerAbort && headers.get("x-envoy-fault-abort-request");
  const status = abort.httpStatus ?? (asked === undefined ? undefined : Number(asked));
  const grpcStatus = abort.grpcStatus;
  if (status === undefined && grpcStatus === undefined) return PASS;
  const reply = {
    status: status ?? 200,
    ...(grpcStatus !== undefined && { grpcStatus }),
    body: "fault filter abort",
    by: "fault",
  };
  return { reply, replyShare: share };
}
