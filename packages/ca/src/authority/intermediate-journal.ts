import { CaError } from "../error.ts";
import type { Records } from "../keys/signer.ts";
import type { Revocation } from "../trust/crl-writer.ts";

/** A signing certificate that an upstream made, with what came along. */
export interface IntermediateSlot {
  readonly keyId: string;
  /** PEM, the signing certificate first, without the root. */
  readonly chain: readonly string[];
  /** PEM, one each. */
  readonly roots: readonly string[];
  /** When it stopped signing, milliseconds since the epoch; absent on the one that signs. */
  readonly oldSince?: number;
  /** Certificates that were revoked while it was there. */
  readonly revoked?: readonly Revocation[];
}

/** What an authority below an upstream must remember: the slot that signs first, then old ones. */
export interface IntermediateJournal {
  readonly format: 1;
  readonly trustDomain: string;
  /** Goes up with every signing certificate; names the keys. */
  readonly generation: number;
  /** The trust bundle's. */
  readonly sequence: number;
  readonly slots: readonly IntermediateSlot[];
}

const NAME = "intermediate";

export async function readIntermediates(
  records: Records,
): Promise<{ readonly version: number; readonly journal: IntermediateJournal } | undefined> {
  const found = await records.read(NAME);
  return found && { version: found.version, journal: parse(found.text) };
}

/** False: another process wrote a version first. */
export function writeIntermediates(records: Records, previous: number, journal: IntermediateJournal): Promise<boolean> {
  return records.write(NAME, previous, `${JSON.stringify(journal, undefined, 2)}\n`);
}

function parse(text: string): IntermediateJournal {
  const invalid = (why: string) => new CaError("STORE_INVALID", `the journal of the intermediate authority ${why}`);
  let value: Partial<IntermediateJournal> | null;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("is not JSON");
  }
  const { format, trustDomain, generation, sequence, slots } = value ?? {};
  if (format !== 1) throw invalid(`has format ${JSON.stringify(format)}; this version reads 1`);
  const texts = (list: unknown) =>
    Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === "string");
  if (typeof trustDomain !== "string" || !Number.isSafeInteger(generation) || !Number.isSafeInteger(sequence))
    throw invalid("lacks fields");
  if (
    !Array.isArray(slots) ||
    !slots.every((slot) => typeof slot?.keyId === "string" && texts(slot.chain) && texts(slot.roots))
  )
    throw invalid("has a broken slot");
  if (slots.length === 0 || slots.some(({ oldSince }, index) => (oldSince === undefined) !== (index === 0)))
    throw invalid("does not begin with the one slot that signs");
  return value as IntermediateJournal;
}
