import {
  type ForcedStep,
  forceInDirectory,
  type PlannedStep,
  planRotationInDirectory,
  rotateInDirectory,
  type Slot,
} from "@fairlead/ca";
import { answered } from "../answered.ts";
import { CliError } from "../cli-error.ts";
import type { Command, Terminal } from "../command.ts";
import { printJson } from "../output.ts";

const STEPS: readonly ForcedStep[] = ["prepare", "activate", "taint", "revoke"];

const slotRecord = ({ id, status, tainted, preparedAt, activatedAt, oldSince }: Slot) => ({
  id,
  status: tainted ? "tainted" : status,
  preparedAt: new Date(preparedAt).toISOString(),
  ...(activatedAt === undefined ? {} : { activatedAt: new Date(activatedAt).toISOString() }),
  ...(oldSince === undefined ? {} : { oldSince: new Date(oldSince).toISOString() }),
});

export function printSlots(terminal: Terminal, slots: readonly Slot[]): void {
  for (const { id, status, since } of slots.map(slotRecord).map((slot) => ({
    ...slot,
    since: slot.oldSince ?? slot.activatedAt ?? slot.preparedAt,
  })))
    terminal.out(`root ${id}  ${status.padEnd(8)}  since ${since}\n`);
}

function printSteps(terminal: Terminal, word: string, steps: readonly Pick<PlannedStep, "step" | "detail">[]): void {
  for (const { step, detail } of steps) terminal.out(`${word} ${step.padEnd(10)}  ${detail}\n`);
}

/** A whole number of seconds from an option. */
export function seconds(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text)) throw new CliError("usage", `--${name} takes seconds, not ${JSON.stringify(text)}`);
  return Number(text);
}

export const caRotate: Command = {
  summary:
    "Changes the root to a new key in steps: shows the plan; with --yes goes as far as it can now, to be called again.",
  usage: `--dir D [--yes] [--max-ttl SECONDS] [--step ${STEPS.join("|")} [--root ID]] [-o json]`,
  options: {
    dir: { type: "string" },
    yes: { type: "boolean" },
    "max-ttl": { type: "string" },
    step: { type: "string" },
    root: { type: "string" },
  },
  required: ["dir"],
  async run(call, terminal) {
    const dir = call.text("dir") ?? "";
    const maxTtlSeconds = seconds("max-ttl", call.text("max-ttl"));
    const step = STEPS.find((known) => known === call.text("step"));
    const yes = call.values.yes === true;
    if (call.text("step") !== undefined && step === undefined)
      throw new CliError("usage", `--step takes ${STEPS.join(", ")}, not ${JSON.stringify(call.text("step"))}`);
    if (call.text("root") !== undefined && step === undefined) throw new CliError("usage", "--root goes with --step");
    if (step !== undefined && maxTtlSeconds !== undefined)
      throw new CliError("usage", "--step waits for nothing; it takes no --max-ttl");

    if (!yes) {
      const { left, slots } = await answered(() => planRotationInDirectory(dir));
      if (call.json)
        printJson(terminal, { dryRun: true, ...(step ? { step } : { plan: left }), slots: slots.map(slotRecord) });
      else {
        printSlots(terminal, slots);
        if (step) terminal.out(`would ${step}, at once, whatever still hangs on it\n`);
        else printSteps(terminal, "would", left);
        terminal.out("nothing was changed; --yes does it\n");
      }
      return 0;
    }
    if (step !== undefined) {
      const slots = await answered(() => forceInDirectory(dir, step, call.text("root")));
      if (call.json) printJson(terminal, { step, slots: slots.map(slotRecord) });
      else printSlots(terminal, slots);
      return 0;
    }
    const rotated = await answered(() => rotateInDirectory(dir, maxTtlSeconds === undefined ? {} : { maxTtlSeconds }));
    const { done, left, notBefore } = rotated;
    if (call.json)
      printJson(terminal, {
        done,
        left,
        ...(notBefore ? { notBefore: notBefore.toISOString() } : {}),
        slots: rotated.slots.map(slotRecord),
      });
    else {
      for (const { step: name, root } of done) terminal.out(`did   ${name.padEnd(10)}  ${root}\n`);
      printSteps(terminal, "left ", left);
      printSlots(terminal, rotated.slots);
      terminal.out(notBefore ? `to be called again from ${notBefore.toISOString()}\n` : "the rotation is over\n");
    }
    return 0;
  },
};
