import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bed, startBed } from "../support/differential.ts";
import { cases } from "../support/differential-arbitrary.ts";

/**
 * Random meshes, translated by us and served to a sidecar and a gateway that are real Envoys; random requests through them, and
 * the simulator asked of the same mesh. Nightly `DIFFERENTIAL_REQUESTS=20000`.
 */
const REQUESTS = Number(process.env.DIFFERENTIAL_REQUESTS ?? 2000);
/** Set one to see a run again. */
const SEED = Number(process.env.DIFFERENTIAL_MESH_SEED ?? Date.now() % 2 ** 31);
const EACH = 80;

describe("random meshes through real Envoys and through the simulator", () => {
  let bed: Bed;
  beforeAll(async () => {
    bed = await startBed();
  });
  afterAll(() => bed?.[Symbol.asyncDispose]());

  it("fare the same", { timeout: 60_000 + REQUESTS * 60 }, async () => {
    console.log(`DIFFERENTIAL_MESH_SEED=${SEED}`);
    let asked = 0;
    let shrinkUntil = Number.POSITIVE_INFINITY;
    const property = fc.asyncProperty(cases(EACH), async (made) => {
      if (Date.now() > shrinkUntil) return;
      asked += made.requests.length;
      const [first] = await bed.run(made);
      if (first === undefined) return;
      if (shrinkUntil === Number.POSITIVE_INFINITY) shrinkUntil = Date.now() + 15_000;
      throw new Error(JSON.stringify(first, null, 1));
    });
    const { failed, counterexample, errorInstance, counterexamplePath } = await fc.check(property, {
      seed: SEED,
      numRuns: Math.ceil(REQUESTS / EACH),
      interruptAfterTimeLimit: 50_000 + REQUESTS * 60,
    });
    if (failed) {
      console.log(`DIFFERENTIAL_MESH_SEED=${SEED}, path ${counterexamplePath}, the smallest mesh that was found:`);
      for (const { kind, spec } of counterexample?.[0].objects ?? []) console.log(kind, JSON.stringify(spec));
      throw errorInstance;
    }
    console.log(`${asked} requests, no disagreement`);
    expect(asked).toBeGreaterThanOrEqual(REQUESTS);
  });
});
