import type { HttpFault } from "@fairlead/config";
import { expect, test } from "vitest";
import type { HTTPFault } from "../../proto/types.ts";
import { httpFault } from "./fault.ts";

const MILLION = "MILLION" as const;

test.each<[string, HttpFault, HTTPFault | undefined]>([
  [
    "delay of a fraction",
    { delay: { fixedDelay: "7s", percentage: { value: 12.5 } } },
    { delay: { fixedDelay: "7s", percentage: { numerator: 125_000, denominator: MILLION } } },
  ],
  [
    "delay of whole percents",
    { delay: { fixedDelay: "7s", percent: 50 } },
    { delay: { fixedDelay: "7s", percentage: { numerator: 50 } } },
  ],
  ["delay without a share", { delay: { fixedDelay: "7s" } }, { delay: { fixedDelay: "7s", percentage: {} } }],
  [
    "status",
    { abort: { httpStatus: 555, percentage: { value: 0.001 } } },
    { abort: { httpStatus: 555, percentage: { numerator: 10, denominator: MILLION } } },
  ],
  ["gRPC status", { abort: { grpcStatus: "UNAVAILABLE" } }, { abort: { grpcStatus: 14 } }],
  ["nothing", {}, undefined],
])("%s", (_, fault, expected) => {
  const problems: string[] = [];
  expect(httpFault(fault, (path) => problems.push(path))).toEqual(expected);
  expect(problems).toEqual([]);
});

test.each<[HttpFault, string]>([
  [{ delay: { exponentialDelay: "1s" } }, "delay.exponentialDelay"],
  [{ abort: { http2Error: "CANCEL" } }, "abort.http2Error"],
  [{ abort: { grpcStatus: "SLEEPY" } }, "abort"],
])("%j is reported", (fault, path) => {
  const problems: string[] = [];
  expect(httpFault(fault, (at) => problems.push(at))).toBeUndefined();
  expect(problems).toEqual([path]);
});

test("what is wrong with the delay does not take the abort away", () => {
  expect(httpFault({ delay: { exponentialDelay: "1s" }, abort: { httpStatus: 500 } }, () => undefined)).toEqual({
    abort: { httpStatus: 500 },
  });
});
