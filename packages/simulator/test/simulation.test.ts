import { expect, test } from "vitest";
import { hasConformanceData } from "./conformance-data.ts";
import { answerCase, disagreements, simulationCases } from "./simulation.ts";
import exceptions from "./simulation-exceptions.json" with { type: "json" };

/**
 * Istio's own simulation tests: calls, and what upstream's simulator made of upstream's translation. Ours is our
 * evaluation of our translation, compared in every field. What differs is listed, call by call, with the reason.
 */
test.skipIf(!hasConformanceData())("answers Istio's simulated calls", () => {
  const listed = new Map<string, string>(Object.entries(exceptions));
  const different: string[] = [];
  const agreeing = new Set<string>();
  const table = new Map<string, { calls: number; agreed: number }>();
  for (const one of simulationCases()) {
    const group = one.id.split("-")[0] ?? "";
    const row = table.get(group) ?? { calls: 0, agreed: 0 };
    table.set(group, row);
    const answers = answerCase(one);
    one.calls.forEach(({ name, got }, index) => {
      const id = `${one.id} / ${name || index}`;
      const fields = disagreements(answers[index] ?? {}, got);
      row.calls++;
      if (fields.length === 0) {
        row.agreed++;
        agreeing.add(id);
      } else if (!listed.has(id))
        different.push(
          `${id}: ${fields.join(", ")}: ours ${JSON.stringify(answers[index])}, upstream ${JSON.stringify(got)}`,
        );
    });
  }
  const rows = [...table].map(
    ([group, { calls, agreed }]) => `${group.padEnd(32)}${String(calls).padStart(5)}${String(agreed).padStart(8)}`,
  );
  const total = [...table.values()].reduce(
    (sum, row) => ({ calls: sum.calls + row.calls, agreed: sum.agreed + row.agreed }),
    { calls: 0, agreed: 0 },
  );
  console.log(
    [
      `${"cases".padEnd(32)}calls  agreed`,
      ...rows,
      `${"all".padEnd(32)}${String(total.calls).padStart(5)}${String(total.agreed).padStart(8)}`,
    ].join("\n"),
  );
  expect(different).toEqual([]);
  expect(
    [...listed.keys()].filter((id) => agreeing.has(id)),
    "exceptions that agree by now",
  ).toEqual([]);
  expect(total.agreed).toBeGreaterThanOrEqual(total.calls - listed.size);
});
