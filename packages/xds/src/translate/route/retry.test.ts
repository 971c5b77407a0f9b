import type { HttpRetry } from "@fairlead/config";
import { expect, test } from "vitest";
import type { RetryPolicy } from "../../proto/types.ts";
import { conditionsOf, retryPolicy } from "./retry.ts";

const RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes";
const elsewhere = {
  retryHostPredicate: [expect.objectContaining({ name: "envoy.retry_host_predicates.previous_hosts" })],
};
const base = { retryOn: RETRY_ON, numRetries: 2, hostSelectionRetryMaxAttempts: "5" };

const cases: readonly (readonly [string, HttpRetry | undefined, boolean, object | undefined])[] = [
  ["without settings", undefined, false, { ...base, ...elsewhere }],
  ["without settings, hashed", undefined, true, base],
  ["attempts: 0", { attempts: 0 }, false, undefined],
  ["no attempts", { retryOn: "5xx" }, false, undefined],
  ["attempts", { attempts: 3 }, false, { ...base, ...elsewhere, numRetries: 3 }],
  ["attempts, hashed", { attempts: 3 }, true, { ...base, numRetries: 3 }],
  ["the same host is good enough", { attempts: 3, retryIgnorePreviousHosts: false }, false, { ...base, numRetries: 3 }],
  [
    "another host, hashed",
    { attempts: 3, retryIgnorePreviousHosts: true },
    true,
    { ...base, ...elsewhere, numRetries: 3 },
  ],
  [
    "durations",
    { attempts: 1, perTryTimeout: "1m30s", backoff: "10ms" },
    true,
    { ...base, numRetries: 1, perTryTimeout: "90s", retryBackOff: { baseInterval: "0.010s" } },
  ],
  [
    "remote localities",
    { attempts: 1, retryRemoteLocalities: true },
    true,
    {
      ...base,
      numRetries: 1,
      retryPriority: expect.objectContaining({ name: "envoy.retry_priorities.previous_priorities" }),
    },
  ],
];
test.each(cases)("%s", (_, retry, hashed, expected) => {
  expect(retryPolicy(retry, hashed)).toEqual(expected);
});

test.each<[string, RetryPolicy]>([
  ["5xx, reset", { retryOn: "5xx,reset" }],
  ["5xx,503", { retryOn: "5xx,retriable-status-codes", retriableStatusCodes: [503] }],
  ["retriable-status-codes,503,504", { retryOn: "retriable-status-codes", retriableStatusCodes: [503, 504] }],
  ["5xx,999", { retryOn: "5xx,999" }],
  ["reset,,", { retryOn: "reset" }],
  ["503", { retryOn: ",retriable-status-codes", retriableStatusCodes: [503] }],
])("conditions %s", (retryOn, expected) => {
  expect(conditionsOf(retryOn)).toEqual(expected);
});
