import { ISTIO, REFERENCE } from "./istio-figures.ts";
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

/**
 * CPU milliseconds of one run, as it would be when Istio's figures were taken. As in Go's benchmarks, runs go on for a while and
 * their mean counts, garbage collection and all. {@link reference} runs between them, so that what the machine does besides is on
 * both, and scales.
 */
function scaledTime(prepare: Prepare): number {
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
    for (let spent = 0; spent < ROUND && cpuTime() < begun + 5 * ROUND; runs++) {
      const run = prepare();
      const from = cpuTime();
      run();
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
    for (const [type, theirs] of Object.entries(figures) as [Type, number][])
      if (onlyType === undefined || type === onlyType) console.log(row(scenario, name, type, theirs, context));
  }
}

function row(scenario: Scenario, name: string, type: Type, theirs: number, context: number | undefined): string {
  const resources = everything(scenario, type);
  const all = scaledTime(fromNothing(scenario, type));
  // What starts from nothing does this too: where it takes less, the rest is the collection of what was there before.
  const ours = Math.min(all, scaledTime(generateAlone(scenario, type)));
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
