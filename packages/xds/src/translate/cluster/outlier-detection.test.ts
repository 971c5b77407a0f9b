import type { OutlierDetection } from "@fairlead/config";
import { expect, test } from "vitest";
import { outlierDetection } from "./outlier-detection.ts";

test.each<[string, OutlierDetection | undefined, object | undefined]>([
  ["none", undefined, undefined],
  ["defaults are Envoy's", {}, { enforcingSuccessRate: 0 }],
  [
    "zero turns a detector off",
    { consecutive5xxErrors: 0, consecutiveGatewayErrors: 2 },
    {
      enforcingSuccessRate: 0,
      consecutive5xx: 0,
      enforcingConsecutive5xx: 0,
      consecutiveGatewayFailure: 2,
      enforcingConsecutiveGatewayFailure: 100,
    },
  ],
  [
    "local origin failures count only when split off",
    { consecutiveLocalOriginFailures: 2, interval: "1m", baseEjectionTime: "500ms", maxEjectionPercent: 20 },
    { enforcingSuccessRate: 0, interval: "60s", baseEjectionTime: "0.500s", maxEjectionPercent: 20 },
  ],
  [
    "split",
    { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 2 },
    {
      enforcingSuccessRate: 0,
      splitExternalLocalOriginErrors: true,
      consecutiveLocalOriginFailure: 2,
      enforcingConsecutiveLocalOriginFailure: 100,
      enforcingLocalOriginSuccessRate: 0,
    },
  ],
])("%s", (_, settings, expected) => {
  expect(outlierDetection(settings)).toEqual(expected);
});
