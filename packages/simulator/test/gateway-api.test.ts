import { expect, test } from "vitest";
import { hasConformanceData } from "./conformance-data.ts";
import { answerTest, conformanceTests } from "./gateway-api.ts";
import exceptions from "./gateway-api-exceptions.json" with { type: "json" };

/** The Gateway API's own conformance tests, of which each request is asked of our resources. What differs is listed with the reason. */
test.skipIf(!hasConformanceData())("answers requests as the Gateway API's conformance tests expect", () => {
  const listed = new Map<string, string>(Object.entries(exceptions));
  const different: string[] = [];
  const agreeing: string[] = [];
  let calls = 0;
  for (const one of conformanceTests())
    for (const [index, fault] of answerTest(one).entries()) {
      const id = `${one.id}[${index}]`;
      calls++;
      if (fault === "") agreeing.push(id);
      else if (!listed.has(id)) different.push(`${id}: ${fault}`);
    }
  console.log(`${calls} requests, ${agreeing.length} as expected, ${listed.size} listed exceptions`);
  expect(different).toEqual([]);
  expect(
    agreeing.filter((id) => listed.has(id)),
    "exceptions that agree by now",
  ).toEqual([]);
});
