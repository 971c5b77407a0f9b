import type { Certificate } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import type { Signer } from "../keys/signer.ts";
import type { Revocations } from "../trust/crl.ts";
import { type Revocation, signRevocationList } from "../trust/crl-writer.ts";

/** What a slot of a journal remembers of certificates that are no longer to be trusted. */
export interface Revoking {
  readonly revoked?: readonly Revocation[];
}

/**
 * The slots with one more revocation. It is in the list of each, for nothing but the serial number tells who signed, and that is
 * of no other certificate (126 random bits). What was revoked longer ago than `keepMs` has ended and is forgotten. The same slots
 * when it is there already. Throws OPTION_INVALID for what is no serial number in hex.
 */
export function withRevocation<Slot extends Revoking>(
  slots: readonly Slot[],
  serial: string,
  now: number,
  keepMs: number,
): readonly Slot[] {
  if (!/^([0-9a-f]{2}){1,21}$/.test(serial))
    throw new CaError("OPTION_INVALID", `${JSON.stringify(serial.slice(0, 60))} is no serial in hex`);
  if (slots.every(({ revoked = [] }) => revoked.some((one) => one.serial === serial))) return slots;
  return slots.map((slot) => {
    const kept = (slot.revoked ?? []).filter((one) => one.revokedAt + keepMs > now && one.serial !== serial);
    return { ...slot, revoked: [...kept, { serial, revokedAt: now }] };
  });
}

/** Whether a certificate is among the revoked of any slot. */
export function revocationsOf(slots: readonly Revoking[]): Revocations {
  const serials = new Set(slots.flatMap(({ revoked = [] }) => revoked.map(({ serial }) => serial)));
  return ({ serial }) => serials.has(serial);
}

/** A slot with what signs its CRL. */
type ListSigner = Revoking & { readonly issuer: Certificate; readonly signer: Signer };

/**
 * CRLs of an authority, PEM, one of each of its slots after the other; the same text while the slots are the same, for a
 * quarter of its life.
 */
export function revocationLists<Slot extends Revoking>(
  signerOf: (slot: Slot) => Promise<ListSigner>,
  clock: { now(): number },
): (slots: readonly Slot[], seconds: number) => Promise<string> {
  let made: { readonly slots: readonly Slot[]; readonly seconds: number; readonly at: number; readonly text: string };
  return async (slots, seconds) => {
    const at = clock.now();
    if (made?.slots === slots && made.seconds === seconds && at >= made.at && at < made.at + seconds * 250)
      return made.text;
    const signers = await Promise.all(slots.map(signerOf));
    const times = { thisUpdate: at, nextUpdate: at + seconds * 1000 };
    const lists = signers.map(({ issuer, signer, revoked = [] }) =>
      signRevocationList({ issuer, signer, revoked, ...times }),
    );
    made = { slots, seconds, at, text: (await Promise.all(lists)).join("") };
    return made.text;
  };
}
