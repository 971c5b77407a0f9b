import { expect, test } from "vitest";
import exceptions from "./analysis-exceptions.json" with { type: "json" };
import { analysisCases, expectedOf, findingsOf } from "./cases.ts";
import { hasConformanceData } from "./conformance-data.ts";

/**
 * Istio's analyzers, all of them together, on the inputs of their own tests: the same codes for the same resources, as
 * often. What differs is listed, case by case, with the reason.
 */
test.skipIf(!hasConformanceData())("finds what Istio's analyzers find", () => {
  const listed = new Map<string, string>(Object.entries(exceptions));
  const different: Record<string, unknown> = {};
  const agreeing: string[] = [];
  const cases = analysisCases();
  for (const one of cases) {
    const ours = findingsOf(one);
    const theirs = expectedOf(one);
    if (JSON.stringify(ours) === JSON.stringify(theirs)) agreeing.push(one.id);
    else if (!listed.has(one.id)) different[one.id] = { ours, theirs };
  }
  console.log(`analysis: ${cases.length} cases, ${agreeing.length} agree, ${listed.size} listed exceptions`);
  expect(different).toEqual({});
  expect(
    agreeing.filter((id) => listed.has(id)),
    "exceptions that agree by now",
  ).toEqual([]);
});
