import { ISTIO, REFERENCE } from "./istio-figures.ts";
import { age } from "./memory.ts";
import {
  everything,
  fromNothing,
  generateAlone,
  type Prepare,
  type Scenario,
  scenarioOf,
  type Type,
} from "./translation-scenario.ts";

/** CPU milliseconds that the process has used, garbage collection and compilation in other threads too; in microseconds. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A fixed piece of work of the same sort: objects made, maps filled, text written. */
export function reference(): void {
  const seen = new Map<string, object>();
  for (let index = 0; index < 60_000; index++)
    seen.set(`host-${index % 5000}.example`, { name: `outbound|${index}||x`, at: [index, { weight: index % 100 }] });
  let length = 0;
  for (const value of seen.values()) length += JSON.stringify(value).length;
  if (length === 0) throw new Error("nothing was done");
}

/** Milliseconds of CPU. */
const WARM_UP = 600;
const ROUNDS = 8;
const ROUND = 70;
/** Runs that are timed together take Istio about so many milliseconds. */
const TOGETHER = 2;
const MOST_TOGETHER = 32;

/**
 * CPU milliseconds of one run, as it would be when Istio's figures were taken. As in Go's benchmarks, runs go on for a while and
 * their mean counts, garbage collection and all. {@link reference} runs between them, so that what the machine does besides is on
 * both, and scales. Asking for the time costs a tenth of the shortest runs, so that those are timed `together`; what was made before
 * them (`hasContext`) is collected before the clock starts, since Istio makes it once.
 */
function scaledTime(prepare: Prepare, together: number, hasContext: boolean): number {
  for (const end = cpuTime() + WARM_UP; cpuTime() < end; ) prepare()();
  let ours = 0;
  let runs = 0;
  let references = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const begun = cpuTime();
    reference();
    reference();
    references += (cpuTime() - begun) / 2;
    // Where what comes before takes far longer than a run, fewer will do.
    for (let spent = 0; spent < ROUND && cpuTime() < begun + 5 * ROUND; runs += together) {
      const prepared = Array.from({ length: together }, prepare);
      if (hasContext) age();
      const from = cpuTime();
      for (const run of prepared.splice(0)) run();
      const took = cpuTime() - from;
      spent += took;
      ours += took;
    }
  }
  return (ours / runs / (references / ROUNDS)) * REFERENCE;
}

/** `pnpm bench translate [scenario [type]]`: a table; times of ours are scaled to when Istio's figures were taken. */
export async function printTranslation(only?: string, onlyType?: string): Promise<void> {
  const columns = [
    "scenario",
    "type",
    "resources",
    "ours ms",
    "Istio ms",
    "ours : Istio",
    "from nothing ms",
    ": Istio",
    ": with its push context",
  ];
  console.log(`| ${columns.join(" | ")} |\n|${columns.map(() => " --- |").join("")}`);
  for (const [name, { context, ...figures }] of Object.entries(ISTIO)) {
    if (only !== undefined && name !== only) continue;
    const scenario = await scenarioOf(name);
    const measured = (Object.entries(figures) as [Type, number][])
      .filter(([type]) => onlyType === undefined || type === onlyType)
      .map(([type, theirs]) => {
        const one = measure(scenario, type, theirs);
        console.log(rowOf(name, type, one, context));
        return one;
      });
    if (measured.length > 1) console.log(rowOf(name, "all", sumOf(measured), context));
  }
}

/** What one type of a scenario takes, in milliseconds. */
interface Measured {
  readonly resources: number;
  readonly ours: number;
  readonly theirs: number;
  readonly fromNothing: number;
}

function measure(scenario: Scenario, type: Type, theirs: number): Measured {
  const together = Math.max(1, Math.min(MOST_TOGETHER, Math.floor(TOGETHER / theirs)));
  const all = scaledTime(fromNothing(scenario, type), together, false);
  // What starts from nothing does this too: where it takes less, the rest is the collection of what was there before.
  const ours = Math.min(all, scaledTime(generateAlone(scenario, type), together, true));
  return { resources: everything(scenario, type), ours, theirs, fromNothing: all };
}

function sumOf(measured: readonly Measured[]): Measured {
  const sum = (field: keyof Measured) => measured.reduce((total, one) => total + one[field], 0);
  return { resources: sum("resources"), ours: sum("ours"), theirs: sum("theirs"), fromNothing: sum("fromNothing") };
}

function rowOf(name: string, type: string, measured: Measured, context: number | undefined): string {
  const { resources, ours, theirs, fromNothing: all } = measured;
  const cells = [
    name,
    type,
    String(resources),
    ours.toFixed(3),
    theirs.toFixed(3),
    `${(ours / theirs).toFixed(2)}x`,
    all.toFixed(3),
    `${(all / theirs).toFixed(2)}x`,
    context === undefined ? "" : `${(all / (theirs + context)).toFixed(2)}x`,
  ];
  return `| ${cells.join(" | ")} |`;
}
