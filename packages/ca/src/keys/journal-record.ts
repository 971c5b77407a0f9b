import { CaError } from "../error.ts";
import type { Records } from "./signer.ts";

/** What journals have in common; their slots differ. */
export interface SlotJournal<Slot> {
  readonly format: 1;
  readonly trustDomain: string;
  /** Goes up when what is trusted changes. */
  readonly sequence: number;
  readonly slots: readonly Slot[];
}

/** A journal among the records of a key manager. */
export interface JournalRecord<Journal> {
  /** Throws STORE_INVALID for what is no such journal. */
  read(records: Records): Promise<{ readonly version: number; readonly journal: Journal } | undefined>;
  /** False: another process wrote a version first. */
  write(records: Records, previous: number, journal: Journal): Promise<boolean>;
}

/**
 * The journal of this name. `what` is for messages; `problem` says what is wrong with one whose parts are of the right kind,
 * such as `has a broken slot`: its slots may be anything.
 */
export function journalRecord<Journal extends SlotJournal<unknown>>(
  name: string,
  what: string,
  problem: (journal: Partial<Journal>, slots: readonly Readonly<Record<string, unknown>>[]) => string | undefined,
): JournalRecord<Journal> {
  const invalid = (why: string) => new CaError("STORE_INVALID", `${what} ${why}`);
  const parse = (text: string): Journal => {
    let value: Partial<Journal> | null;
    try {
      value = JSON.parse(text);
    } catch {
      throw invalid("is not JSON");
    }
    const { format, trustDomain, sequence, slots } = value ?? {};
    if (format !== 1) throw invalid(`has format ${JSON.stringify(format)}; this version reads 1`);
    if (typeof trustDomain !== "string" || !Number.isSafeInteger(sequence) || !Array.isArray(slots))
      throw invalid("lacks fields");
    const found = problem(
      value ?? {},
      slots.map((slot) => (slot ?? {}) as Record<string, unknown>),
    );
    if (found !== undefined) throw invalid(found);
    return value as Journal;
  };
  return {
    async read(records) {
      const found = await records.read(name);
      return found && { version: found.version, journal: parse(found.text) };
    },
    write: (records, previous, journal) => records.write(name, previous, `${JSON.stringify(journal, undefined, 2)}\n`),
  };
}

/** Whether these members of a slot are texts. */
export const areTexts = (slot: Readonly<Record<string, unknown>>, ...names: readonly string[]): boolean =>
  names.every((name) => typeof slot[name] === "string");
