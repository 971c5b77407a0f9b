import fc from "fast-check";
import { expect, test } from "vitest";
import { edits, questions } from "../src/arbitrary.ts";
import { answerDifferences } from "../src/diff/behaviour.ts";
import { diff } from "../src/diff/diff.ts";
import { evaluate, type Question } from "../src/evaluate.ts";
import { findNode } from "../src/mesh/node.ts";

/** Random edits of random meshes: the diff is empty exactly when no proxy behaves otherwise. Nightly `DIFF_EDITS=1000` and another `DIFF_SEED`. */
const EDITS = Number(process.env.DIFF_EDITS ?? 30);
const SEED = Number(process.env.DIFF_SEED ?? 1);

test("a diff is empty exactly when behaviour is equal, and its witnesses can be run", () => {
  console.log(`DIFF_SEED=${SEED}`);
  const seen = { alike: 0, undecided: 0, witnesses: 0, none: 0, behaviour: 0, asked: 0 };
  const property = fc.property(edits(), fc.array(questions(), { minLength: 30, maxLength: 30 }), (edit, asked) => {
    const [before, after] = [edit.before.load(), edit.after.load()];
    expect([...before.diagnostics, ...after.diagnostics].filter(({ severity }) => severity === "error")).toEqual([]);
    const changes = diff(before.mesh, after.mesh);
    if (edit.edited.length === 0) expect(changes).toEqual([]);
    if (changes.length === 0) seen.alike++;
    const differ = (question: Question) =>
      answerDifferences(evaluate(before.mesh, question), evaluate(after.mesh, question)).differs;
    // Each difference is shown by a request or proved to be none, but for few: policies that deny everything in many words, routes
    // whose expressions contradict their virtual host.
    if (changes.some(({ resources }) => resources.some(({ effect }) => effect === "undecided"))) seen.undecided++;
    for (const { proxy, resources, behaviour } of changes) {
      if (resources.some(({ effect }) => effect === "behaviour")) expect(behaviour.length, proxy).toBeGreaterThan(0);
      seen.none += resources.filter(({ effect }) => effect === "none").length;
      seen.behaviour += resources.filter(({ effect }) => effect === "behaviour").length;
      for (const { question, differs } of behaviour) {
        seen.witnesses++;
        expect(differ(question)).toEqual(differs);
      }
    }
    // Who is not named, or named without a witness, answers every request as before.
    const named = new Set(
      changes.flatMap(({ proxy, alike, behaviour }) => (behaviour.length > 0 ? [proxy, ...alike] : [])),
    );
    for (const question of asked) {
      const proxy = findNode(after.mesh, String(question.from)).name;
      if (named.has(proxy)) continue;
      seen.asked++;
      expect(differ(question), `${proxy} ${question.request.url}`).toEqual([]);
    }
  });
  fc.assert(property, { seed: SEED, numRuns: EDITS, interruptAfterTimeLimit: 100_000 + EDITS * 100 });
  console.log(JSON.stringify(seen));
  expect(seen.witnesses).toBeGreaterThan(EDITS);
  expect(seen.asked).toBeGreaterThan(EDITS);
  expect(seen.undecided).toBeLessThan(EDITS / 5);
});
