import { expect, it } from "vitest";
import { reviewAdmission } from "./admission.ts";
import { destinationRule } from "./builders.ts";
import { convert } from "./convert.ts";
import { toKubernetes } from "./print.ts";

const review = (object: unknown, operation = "CREATE") => reviewAdmission({ uid: "1", operation, object });

it("allows what is valid", () => {
  expect(review(toKubernetes(destinationRule("a", { host: "a.com" })))).toEqual({ uid: "1", allowed: true });
});

it("refuses what is not, with all reasons, and passes warnings on", () => {
  const trafficPolicy = { outlierDetection: { consecutiveErrors: 5, maxEjectionPercent: 101 } };
  expect(review(toKubernetes(destinationRule("a", { host: "", trafficPolicy })))).toEqual({
    uid: "1",
    allowed: false,
    status: {
      code: 422,
      message:
        "spec.host: a host name must not be empty [invalid-host]; " +
        "spec.trafficPolicy.outlierDetection.maxEjectionPercent: must be from 0 to 100, is 101 [out-of-range]",
    },
    warnings: [
      "spec.trafficPolicy.outlierDetection.consecutiveErrors: use consecutiveGatewayErrors or consecutive5xxErrors [deprecated]",
    ],
  });
});

it.each([
  [undefined, "DELETE"],
  [{ apiVersion: "v1", kind: "Pod" }, "CREATE"],
  [null, "CREATE"],
])("leaves %j alone (%s)", (object, operation) => {
  expect(review(object, operation)).toEqual({ uid: "1", allowed: true });
});

it("converts between served versions", () => {
  const object = destinationRule("a", { host: "a.com" });
  expect(convert(object, "v1beta1").apiVersion).toBe("networking.istio.io/v1beta1");
  expect(convert(object, "networking.istio.io/v1")).toBe(object);
  expect(() => convert(object, "v2")).toThrow(expect.objectContaining({ code: "UNKNOWN_VERSION" }));
});
