import type { Clock } from "../clock.ts";
import { slotCertificate } from "./journal.ts";
import type { SelfSignedAuthority } from "./self-signed.ts";

/** Parts of a root's life that are left when its successor is made, and when that begins to sign. */
const PREPARE_AT = 0.2;
const ACTIVATE_AT = 0.1;

/**
 * One look at an authority's roots, to be repeated: makes a successor when the active root has a fifth of its life left,
 * signs with it when a tenth is left, and takes an old root away when nothing it signed can be alive. In between
 * everybody has had a tenth of a root's life, a year by default, to learn the new one. A root that has expired is
 * followed at once: nothing hangs on it any more. Does nothing to a rotation that somebody else is steering before its
 * time.
 */
export async function maintainRoots(authority: SelfSignedAuthority, clock: Pick<Clock, "now">): Promise<void> {
  const active = authority.slots.find(({ status }) => status === "active");
  if (active === undefined) return;
  const { notBefore, notAfter } = slotCertificate(active);
  const left = (notAfter - clock.now()) / (notAfter - notBefore);
  if (left < PREPARE_AT) {
    const next = await authority.prepare();
    if (left < ACTIVATE_AT) await authority.activate(next.id);
  }
  for (const { id, status } of authority.slots)
    if (status === "old" && clock.now() >= authority.drainedAt(id)) await authority.retire(id);
}
