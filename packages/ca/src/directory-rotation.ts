import type { Slot } from "./authority/journal.ts";
import { type PlannedStep, planRootRotation, type RotationStep, rotateRoot } from "./authority/root-rotation.ts";
import type { SelfSignedAuthority } from "./authority/self-signed.ts";
import { type Clock, systemClock } from "./clock.ts";
import { CERTIFICATE_FILES, openAuthority, writeFiles } from "./directory.ts";
import { bundlePem } from "./trust/bundle.ts";

export interface DirectoryRotationOptions {
  /**
   * The longest that a certificate of this authority lives, seconds: after that long everybody who renewed has the new
   * root, and nothing that the old one signed is alive. Default 7776000 (90 d), the longest that is issued.
   */
  readonly maxTtlSeconds?: number;
  readonly clock?: Clock;
}

export interface DirectoryRotation {
  /** What was done now. */
  readonly done: readonly { readonly step: RotationStep; readonly root: string }[];
  /** What is left. Empty: the rotation is over. */
  readonly left: readonly PlannedStep[];
  /** When the first of what is left can be done. */
  readonly notBefore: Date | undefined;
  readonly slots: readonly Slot[];
}

/** Servers on the same directory look at it every minute; what they do until then counts too. */
const SERVERS_LOOK_MS = 120_000;

/** A wait that is not over: the rotation ends here for now. */
class Waiting extends Error {
  readonly until: number;

  constructor(until: number) {
    super("not yet");
    this.until = until;
  }
}

/** What {@link rotateInDirectory} would do, all of it, without doing it. Throws CA_NOT_READY when there is no authority. */
export async function planRotationInDirectory(directory: string): Promise<Pick<DirectoryRotation, "left" | "slots">> {
  await using authority = await openAuthority(directory, { pollSeconds: 0 });
  return { left: planRootRotation(authority), slots: authority.slots };
}

/**
 * Takes the rotation of the root in a directory as far as it can go now, and says when to go on: waits are by the
 * lifetime of certificates, since nothing here hears from proxies ({@link rotateRoot} is for those who do). Each step is
 * in the journal, so a run that was cut short is continued by the next. `root-cert.pem` follows the trust bundle.
 */
export async function rotateInDirectory(
  directory: string,
  options: DirectoryRotationOptions = {},
): Promise<DirectoryRotation> {
  const { maxTtlSeconds = 7_776_000, clock = systemClock } = options;
  const lifeMs = maxTtlSeconds * 1000 + (maxTtlSeconds > 0 ? SERVERS_LOOK_MS : 0);
  await using authority = await openAuthority(directory, { pollSeconds: 0, clock });
  const done: { step: RotationStep; root: string }[] = [];
  const mustBeOver = async (since: number) => {
    const until = since + lifeMs;
    if (clock.now() < until) throw new Waiting(until);
  };
  const slotsBefore = new Set(authority.slots.map(({ id }) => id));
  let notBefore: Date | undefined;
  try {
    await rotateRoot(authority, {
      clock,
      distributed: () =>
        mustBeOver(authority.slots.find(({ status }) => status === "prepared")?.preparedAt ?? clock.now()),
      renewed: (old) => mustBeOver(Math.max(...old.map(({ oldSince }) => oldSince ?? clock.now()))),
      onStep: ({ step, root }) => {
        if (step !== "renew" && !(step === "prepare" && slotsBefore.has(root))) done.push({ step, root });
      },
    });
  } catch (error) {
    if (!(error instanceof Waiting)) throw error;
    notBefore = new Date(error.until);
  } finally {
    await writeRoots(directory, authority);
  }
  return { done, left: notBefore ? planRootRotation(authority) : [], notBefore, slots: authority.slots };
}

export type ForcedStep = "prepare" | "activate" | "taint" | "revoke";

/**
 * One step by hand, without waiting for anything: what to do when a key is in the wrong hands. `revoke` takes a root out of
 * the trust bundle and destroys its key even while certificates it signed are alive. Throws ROTATION_REFUSED for a root
 * that is not there or not in the state for it.
 */
export async function forceInDirectory(
  directory: string,
  step: ForcedStep,
  root: string | undefined,
): Promise<readonly Slot[]> {
  await using authority = await openAuthority(directory, { pollSeconds: 0 });
  const wanted = step === "activate" ? "prepared" : "old";
  const id = root ?? authority.slots.find(({ status }) => status === wanted)?.id ?? "";
  if (step === "prepare") await authority.prepare();
  else if (step === "activate") await authority.activate(id);
  else if (step === "taint") await authority.taint(id);
  else {
    await authority.taint(id);
    await authority.retire(id, { force: true });
  }
  await writeRoots(directory, authority);
  return authority.slots;
}

function writeRoots(directory: string, authority: SelfSignedAuthority): Promise<void> {
  return writeFiles(directory, [[CERTIFICATE_FILES.roots, bundlePem(authority.trustBundle), 0o644]]);
}
