import type { JsonWebKey } from "node:crypto";
import type { SlotStatus } from "../authority/journal.ts";
import { CaError } from "../error.ts";
import type { Records } from "../keys/signer.ts";

/** A key that signs JWT-SVIDs, in its life; see {@link SlotStatus}. Times are milliseconds since the epoch. */
export interface JwtSlot {
  /** The `kid`: the key's thumbprint (RFC 7638). */
  readonly id: string;
  /** The key manager's name for it. */
  readonly keyId: string;
  readonly status: SlotStatus;
  readonly publicKey: JsonWebKey;
  readonly preparedAt: number;
  readonly activatedAt?: number;
  readonly oldSince?: number;
}

export interface JwtJournal {
  readonly format: 1;
  readonly trustDomain: string;
  /** Goes up when the set of keys changes. */
  readonly sequence: number;
  readonly slots: readonly JwtSlot[];
}

const NAME = "jwt-authority";

export async function readJwtJournal(
  records: Records,
): Promise<{ readonly version: number; readonly journal: JwtJournal } | undefined> {
  const found = await records.read(NAME);
  return found && { version: found.version, journal: parse(found.text) };
}

/** False: another process wrote a version first. */
export function writeJwtJournal(records: Records, previous: number, journal: JwtJournal): Promise<boolean> {
  return records.write(NAME, previous, `${JSON.stringify(journal, undefined, 2)}\n`);
}

function parse(text: string): JwtJournal {
  const invalid = (why: string) => new CaError("STORE_INVALID", `the journal of JWT keys ${why}`);
  let value: Partial<JwtJournal> | null;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("is not JSON");
  }
  const { format, trustDomain, sequence, slots } = value ?? {};
  if (format !== 1) throw invalid(`has format ${JSON.stringify(format)}; this version reads 1`);
  if (typeof trustDomain !== "string" || !Number.isSafeInteger(sequence) || !Array.isArray(slots))
    throw invalid("lacks fields");
  for (const slot of slots)
    if (typeof slot?.id !== "string" || typeof slot.keyId !== "string" || typeof slot.publicKey !== "object")
      throw invalid("has a broken slot");
  if (slots.filter(({ status }) => status === "active").length !== 1) throw invalid("has not exactly one active slot");
  return value as JwtJournal;
}
