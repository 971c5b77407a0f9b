// Prints how we compare with istiod: `node tests/conformance/show.ts [case] [type] [how many differences]`.
import { agreementTable, compareCases } from "./agreement.ts";
import { formatDifference } from "./difference.ts";

const [name, type, limit = "20"] = process.argv.slice(2);
const agreement = await compareCases(name === "all" ? undefined : name);
for (const { id, type: of, differences } of agreement.comparisons) {
  if (type !== undefined && of !== type) continue;
  if (name === undefined || name === "all") {
    const [first] = differences;
    if (first) console.log(`${id}: ${differences.length} differences, first ${formatDifference(first, 160)}`);
    continue;
  }
  console.log(`${id}: ${differences.length} differences`);
  for (const difference of differences.slice(0, Number(limit))) console.log(formatDifference(difference));
}
console.log(agreementTable(agreement));
