import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { agreementTable, compareCases } from "./agreement.ts";
import { hasConformanceData } from "./conformance-data.ts";
import { formatDifference } from "./difference.ts";

const LIST = new URL("xds-agreement.json", import.meta.url);
const present = hasConformanceData();

/**
 * Our resources against those of istiod. The list of what is equal is committed and may only grow: `UPDATE_AGREEMENT=1`
 * writes it anew. `CASE=name` (and `TYPE=clusters`) prints the differences of one case.
 */
test.skipIf(!present)("resources are equal to istiod's where they were", { timeout: 60_000 }, async () => {
  const { CASE, TYPE, UPDATE_AGREEMENT } = process.env;
  const agreement = await compareCases(CASE);
  const listed = JSON.parse(readFileSync(LIST, "utf8")) as readonly string[];
  if (CASE !== undefined) {
    const of = agreement.comparisons.filter((comparison) => TYPE === undefined || comparison.type === TYPE);
    expect(of.length, `no comparison for CASE=${CASE} TYPE=${TYPE ?? ""}`).toBeGreaterThan(0);
    for (const { id, differences } of of)
      console.log(
        `${id}: ${differences.length} differences\n${differences
          .slice(0, 20)
          .map((one) => formatDifference(one))
          .join("\n")}`,
      );
  } else console.log(agreementTable(agreement));
  const compared = new Set(agreement.comparisons.map(({ id }) => id));
  const equal = agreement.comparisons.filter(({ differences }) => differences.length === 0).map(({ id }) => id);
  const lost = listed.filter((id) => (CASE === undefined || compared.has(id)) && !equal.includes(id));
  const details = agreement.comparisons
    .filter(({ id }) => lost.includes(id))
    .flatMap(({ id, differences }) => [id, ...differences.slice(0, 3).map((one) => formatDifference(one))]);
  expect(lost, `these agreed and do not any more:\n${details.join("\n")}`).toEqual([]);
  if (UPDATE_AGREEMENT === "1" && CASE === undefined) writeFileSync(LIST, `${JSON.stringify(equal.sort(), null, 2)}\n`);
  const fresh = equal.filter((id) => !listed.includes(id));
  if (fresh.length > 0 && UPDATE_AGREEMENT !== "1")
    console.log(`equal now: run with UPDATE_AGREEMENT=1 and commit the list\n${fresh.join("\n")}`);
});
