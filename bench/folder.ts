import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { destinationRule, printYaml } from "@fairlead/config";
import { directoryStore } from "@fairlead/config/directory";

const DEBOUNCE = 50;

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Milliseconds of CPU that this process spends on `run`. */
async function cpu(run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * One file of a watched folder is edited: how long until the store tells, and what the process spends on it, beside reading
 * all of them.
 */
export async function printFolder(files: number, edits = 20): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "fairlead-bench-"));
  try {
    const rule = (index: number, host: string) => printYaml(destinationRule(`rule-${index}`, { host }));
    for (let index = 0; index < files; index++)
      await writeFile(join(folder, `${index}.yaml`), rule(index, "a.example.com"));
    const start = performance.now();
    await using store = directoryStore(folder, { debounce: DEBOUNCE });
    const opening = await cpu(() => store.ready);
    const opened = performance.now() - start;
    const waits: number[] = [];
    const costs: number[] = [];
    for (let edit = 0; edit < edits; edit++) {
      const index = (edit * 37) % files;
      const told = Promise.withResolvers<number>();
      const stop = store.subscribe((changes) => told.resolve(changes.length));
      costs.push(
        await cpu(async () => {
          const begun = performance.now();
          // As editors do it.
          await writeFile(join(folder, `.${index}.tmp`), rule(index, `edit-${edit}.example.com`));
          await rename(join(folder, `.${index}.tmp`), join(folder, `${index}.yaml`));
          if ((await told.promise) !== 1) throw new Error("more changed than was edited");
          waits.push(performance.now() - begun);
          // What is still to come of it counts too.
          await new Promise((resolve) => setTimeout(resolve, 2 * DEBOUNCE));
        }),
      );
      stop();
    }
    const idle = await cpu(() => new Promise((resolve) => setTimeout(resolve, 1000)));
    process.stdout.write(
      [
        `${files} files: read in ${opened.toFixed(0)} ms, ${opening.toFixed(0)} ms of CPU`,
        `one edit: told after ${median(waits).toFixed(0)} ms (${DEBOUNCE} of them waiting for more), ${median(costs).toFixed(1)} ms of CPU, ${(opening / median(costs)).toFixed(0)} times less than reading all`,
        `a second without events: ${idle.toFixed(1)} ms of CPU`,
        "",
      ].join("\n"),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
