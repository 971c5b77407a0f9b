import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aggregateStore, destinationRule, memoryStore, textStore } from "../src/index.ts";
import { directoryStore } from "../src/stores/directory.ts";
import { contentsOf, holds, steps } from "./store-model.ts";

describe("whatever is written, it is all or nothing, and what is read back is what was written", () => {
  it("memoryStore", async () => {
    await fc.assert(
      fc.asyncProperty(steps, (list) => holds(memoryStore(), list)),
      { numRuns: 300 },
    );
  });

  it("aggregateStore", async () => {
    const other = destinationRule({ name: "other", namespace: "shop" }, { host: "other.com" });
    await fc.assert(
      fc.asyncProperty(steps, (list) =>
        holds(aggregateStore([textStore(), memoryStore(), memoryStore([other])]), list),
      ),
      { numRuns: 100 },
    );
  });

  it("directoryStore", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const folder = await mkdtemp(join(tmpdir(), "fairlead-store-"));
        await using store = directoryStore(folder, { watch: false });
        await holds(store, list);
        // What is on the disk is what was in force.
        await using again = directoryStore(folder, { watch: false });
        await again.ready;
        expect(contentsOf(again)).toEqual(contentsOf(store));
        await rm(folder, { recursive: true });
      }),
      { numRuns: 40 },
    );
  });
});
