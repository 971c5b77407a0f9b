import type { HttpRetry } from "@fairlead/config";
import { shared } from "../../proto/shared.ts";
import type { RetryPolicy } from "../../proto/types.ts";
import { durationOf } from "../listener/node-settings.ts";
import { typed } from "../listener/typed.ts";

const RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";

const PREVIOUS_HOSTS = shared([
  {
    name: "envoy.retry_host_predicates.previous_hosts",
    typedConfig: typed("envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate", {}),
  },
]);

const PREVIOUS_PRIORITIES = shared({
  name: "envoy.retry_priorities.previous_priorities",
  typedConfig: typed("envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig", {
    updateFrequency: 2,
  }),
});

const DEFAULT: RetryPolicy = shared({
  retryOn: RETRY_ON,
  numRetries: 2,
  retryHostPredicate: PREVIOUS_HOSTS,
  hostSelectionRetryMaxAttempts: "5",
});
const { retryHostPredicate: _, ...WITHOUT_HOSTS } = DEFAULT;
const DEFAULT_HASHED: RetryPolicy = shared(WITHOUT_HOSTS);

/** A request that was reset before it reached the application was never processed: repeating it is safe. */
export const INBOUND_RETRY_POLICY: RetryPolicy = shared({ retryOn: "reset-before-request", numRetries: 2 });

/**
 * The retry policy of an outbound route: Istio's default without settings, none for `attempts: 0`. With consistent
 * hashing a retry may go to the same host. Source: Istio `retry.ConvertPolicy`.
 */
export function retryPolicy(retry: HttpRetry | undefined, hashed: boolean): RetryPolicy | undefined {
  if (!retry) return hashed ? DEFAULT_HASHED : DEFAULT;
  if (!retry.attempts || retry.attempts <= 0) return undefined;
  const perTryTimeout = durationOf(retry.perTryTimeout);
  const baseInterval = durationOf(retry.backoff);
  const otherHosts = retry.retryIgnorePreviousHosts ?? !hashed;
  return {
    ...DEFAULT_HASHED,
    numRetries: retry.attempts,
    ...(retry.retryOn ? conditionsOf(retry.retryOn) : {}),
    ...(otherHosts ? { retryHostPredicate: PREVIOUS_HOSTS } : {}),
    ...(perTryTimeout ? { perTryTimeout } : {}),
    ...(baseInterval ? { retryBackOff: { baseInterval } } : {}),
    ...(retry.retryRemoteLocalities ? { retryPriority: PREVIOUS_PRIORITIES } : {}),
  };
}

/**
 * Tells status codes from Envoy's condition names; a code switches on the condition that looks at codes. Codes alone
 * leave an empty name in front, which Envoy skips: this is how Istio writes it too.
 */
export function conditionsOf(retryOn: string): Pick<RetryPolicy, "retryOn" | "retriableStatusCodes"> {
  const parts = retryOn
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const codes = parts.filter(isStatusCode).map(Number);
  const names = parts.filter((part) => !isStatusCode(part)).join(",");
  if (codes.length === 0) return names ? { retryOn: names } : {};
  const withCodes = names.includes("retriable-status-codes") ? names : `${names},retriable-status-codes`;
  return { retryOn: withCodes, retriableStatusCodes: codes };
}

/** The status codes that are registered with IANA, as Go's `http.StatusText` knows them. */
function isStatusCode(text: string): boolean {
  if (!/^\d{3}$/.test(text)) return false;
  const code = Number(text);
  const ranges: readonly (readonly [number, number])[] = [
    [100, 103],
    [200, 208],
    [226, 226],
    [300, 305],
    [307, 308],
    [400, 418],
    [421, 426],
    [428, 429],
    [431, 431],
    [451, 451],
    [500, 508],
    [510, 511],
  ];
  return ranges.some(([from, to]) => code >= from && code <= to);
}
