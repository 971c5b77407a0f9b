import { expect, test } from "vitest";
import { runChains, runDifferential } from "../../packages/simulator/test/differential/run.ts";
import { envoyBinary } from "../support/envoy-binary.ts";

/** 2,000 requests; nightly `DIFFERENTIAL_REQUESTS=20000` and another `DIFFERENTIAL_SEED`. */
const requests = Number(process.env.DIFFERENTIAL_REQUESTS ?? 2000);
const first = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const SEEDS = 20;

test("the simulator answers as Envoy does", async () => {
  const seeds = Array.from({ length: SEEDS }, (_, index) => first + index);
  const { asked, disagreements } = await runDifferential(await envoyBinary(), seeds, Math.ceil(requests / SEEDS));
  console.log(`${asked} requests through Envoy and the simulator, ${disagreements.length} disagreements`);
  expect(disagreements.slice(0, 10)).toEqual([]);
  expect(asked).toBeGreaterThanOrEqual(requests);
});

test("the simulator chooses filter chains as Envoy does: server names, protocols, addresses", async () => {
  const seeds = Array.from({ length: SEEDS }, (_, index) => first + index);
  const { asked, taken, disagreements } = await runChains(await envoyBinary(), seeds, Math.ceil(requests / SEEDS / 4));
  console.log(`${asked} connections, ${taken} taken by a chain, ${disagreements.length} disagreements`);
  expect(taken).toBeGreaterThan(asked / 4);
  expect(disagreements.slice(0, 10)).toEqual([]);
  expect(asked).toBeGreaterThanOrEqual(requests / 4);
});
