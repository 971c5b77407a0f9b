import {
  type ForcedStep,
  forceInDirectory,
  type PlannedStep,
  planRotationInDirectory,
  rotateInDirectory,
  type Slot,
} from "@fairlead/ca";
import type { AuthorityClient } from "@fairlead/ca/grpc";
import { answered } from "../answered.ts";
import { CliError } from "../cli-error.ts";
import type { Command, Terminal } from "../command.ts";
import { printJson } from "../output.ts";
import { AUTHORITY_OPTIONS, AUTHORITY_USAGE, atAuthority } from "../remote-authority.ts";

const STEPS: readonly ForcedStep[] = ["prepare", "activate", "taint", "revoke"];

type ShownSlot = Omit<Slot, "keyId">;

const slotRecord = ({ id, status, tainted, preparedAt, activatedAt, oldSince }: ShownSlot) => ({
  id,
  status: tainted ? "tainted" : status,
  preparedAt: new Date(preparedAt).toISOString(),
  ...(activatedAt === undefined ? {} : { activatedAt: new Date(activatedAt).toISOString() }),
  ...(oldSince === undefined ? {} : { oldSince: new Date(oldSince).toISOString() }),
});

export function printSlots(terminal: Terminal, slots: readonly ShownSlot[]): void {
  for (const { id, status, since } of slots.map(slotRecord).map((slot) => ({
    ...slot,
    since: slot.oldSince ?? slot.activatedAt ?? slot.preparedAt,
  })))
    terminal.out(`root ${id}  ${status.padEnd(8)}  since ${since}\n`);
}

function printSteps(terminal: Terminal, word: string, steps: readonly Pick<PlannedStep, "step" | "detail">[]): void {
  for (const { step, detail } of steps) terminal.out(`${word} ${step.padEnd(10)}  ${detail}\n`);
}

/** One step at an authority elsewhere; without one its roots as they are. */
async function stepElsewhere(
  client: AuthorityClient,
  step: ForcedStep | undefined,
  root: string | undefined,
): Promise<readonly ShownSlot[]> {
  const { slots } = await client.state();
  if (step === undefined) return slots;
  if (step === "prepare") return (await client.prepare()).slots;
  const id = root ?? slots.find(({ status }) => status === (step === "activate" ? "prepared" : "old"))?.id ?? "";
  if (id === "") throw new CliError("unreadable", `there is no root to ${step}`);
  if (step === "activate") return (await client.activate(id)).slots;
  const tainted = await client.taint(id);
  return step === "taint" ? tainted.slots : (await client.retire(id)).slots;
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
  usage: `${AUTHORITY_USAGE} [--yes] [--max-ttl SECONDS] [--step ${STEPS.join("|")} [--root ID]] [-o json]`,
  options: {
    ...AUTHORITY_OPTIONS,
    yes: { type: "boolean" },
    "max-ttl": { type: "string" },
    step: { type: "string" },
    root: { type: "string" },
  },
  async run(call, terminal) {
    const maxTtlSeconds = seconds("max-ttl", call.text("max-ttl"));
    const step = STEPS.find((known) => known === call.text("step"));
    const yes = call.values.yes === true;
    if (call.text("ca") === undefined && call.text("dir") === undefined)
      throw new CliError("usage", "either --dir or --ca is needed");
    if (call.text("step") !== undefined && step === undefined)
      throw new CliError("usage", `--step takes ${STEPS.join(", ")}, not ${JSON.stringify(call.text("step"))}`);
    if (call.text("root") !== undefined && step === undefined) throw new CliError("usage", "--root goes with --step");
    if (step !== undefined && maxTtlSeconds !== undefined)
      throw new CliError("usage", "--step waits for nothing; it takes no --max-ttl");

    const remote = call.text("ca") !== undefined;
    if (remote && step === undefined && (yes || maxTtlSeconds !== undefined))
      throw new CliError("usage", "an authority elsewhere is taken step by step: --ca needs --step");
    const elsewhere = (which: ForcedStep | undefined) => (client: AuthorityClient) =>
      stepElsewhere(client, which, call.text("root"));

    if (!yes) {
      const { left, slots } = await answered(() =>
        atAuthority<{ left: readonly PlannedStep[]; slots: readonly ShownSlot[] }>(call, {
          folder: planRotationInDirectory,
          remote: async (client) => ({ left: [], slots: await elsewhere(undefined)(client) }),
        }),
      );
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
      const slots = await answered(() =>
        atAuthority<readonly ShownSlot[]>(call, {
          folder: (folder) => forceInDirectory(folder, step, call.text("root")),
          remote: elsewhere(step),
        }),
      );
      if (call.json) printJson(terminal, { step, slots: slots.map(slotRecord) });
      else printSlots(terminal, slots);
      return 0;
    }
    const limits = maxTtlSeconds === undefined ? {} : { maxTtlSeconds };
    const rotated = await answered(() => rotateInDirectory(call.text("dir") ?? "", limits));
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
