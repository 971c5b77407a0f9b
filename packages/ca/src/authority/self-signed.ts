import type { Certificate } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import type { KeyType } from "../keys/algorithm.ts";
import type { KeyManager } from "../keys/signer.ts";
import { createListeners } from "../listeners.ts";
import type { TrustBundle } from "../trust/bundle.ts";
import type { Revocations } from "../trust/crl.ts";
import { type Authority, type AuthorityOptions, issuanceOptions, trustDomainOf } from "./authority.ts";
import { createIssuance, type IssuedCertificate } from "./issue.ts";
import { createIssuer, type Issuer, selfTest } from "./issuer.ts";
import { type Journal, rootJournal, type Slot, slotCertificate } from "./journal.ts";
import { type Poll, startPoll } from "./poll.ts";
import { revocationLists, revocationsOf, withRevocation } from "./revocation.ts";
import { createRoot, mustFindKey } from "./root.ts";
import { maintainRoots } from "./root-maintenance.ts";
import { planSubordinate, type SubordinatePlan, type SubordinateRequest, signSubordinate } from "./subordinate.ts";

export interface SelfSignedOptions extends AuthorityOptions {
  readonly trustDomain: string;
  /** Where the root's key and the journal are. */
  readonly keys: KeyManager;
  /** Kind of the root's key when one is made. Default `ec-p256`. */
  readonly keyType?: KeyType;
  /** Life of a root. Default 315360000 (10 years). */
  readonly rootTtlSeconds?: number;
  /**
   * Whether a root that comes to its end is followed by a new one by itself (see {@link maintainRoots}), looked at every
   * `pollSeconds`. Default true.
   */
  readonly autoRotate?: boolean;
  /** The longest life of a subordinate authority. Default 7776000 (90 d). */
  readonly subordinateTtlSeconds?: number;
  /** Told to consumers in the trust bundle. Default 300. */
  readonly refreshHintSeconds?: number;
}

/** A self-signed authority's further powers: its roots, one by one. All steps are journalled before they take effect. */
export interface SelfSignedAuthority extends Authority {
  readonly slots: readonly Slot[];
  /** Makes a new root and adds it to the bundle. Nothing is signed with it yet. Returns its slot; the present one if there is one. */
  prepare(): Promise<Slot>;
  /** Tests the prepared root's key and signs with it from now on; the root until now becomes old. */
  activate(id: string): Promise<void>;
  /** Marks an old root, so that workloads renew what it signed at once. */
  taint(id: string): Promise<void>;
  /**
   * Takes an old root out of the bundle and destroys its key. Refused with BUNDLE_REJECTED while certificates it signed
   * may be alive, unless `force`.
   */
  retire(id: string, options?: { readonly force?: boolean }): Promise<void>;
  /**
   * Makes the certificate of an authority below this one, for its own trust domain and without any below it. The journal
   * says how long before it is signed, so that the root is kept as long.
   */
  issueSubordinate(request: SubordinateRequest): Promise<IssuedCertificate>;
  readonly isRevoked: Revocations;
  revoke(serial: string): Promise<void>;
  revocationLists(seconds?: number): Promise<string>;
  /** When the last certificate that a root has signed, or signs now, will have ended; milliseconds since the epoch. */
  drainedAt(id: string): number;
  /** Reads what other processes did on the same keys. */
  refresh(): Promise<void>;
}

interface State {
  readonly version: number;
  readonly journal: Journal;
  readonly isRevoked: Revocations;
  readonly issuer: Issuer;
  readonly bundle: TrustBundle;
}

/**
 * An authority that is its own root. On first use it makes a key and a root certificate; later it finds them again: the
 * identity of the mesh survives restarts. Several processes may share one directory.
 * Throws {@link CaError}: KEY_NOT_FOUND, KEY_MISMATCH, KEY_PERMISSIONS, KEY_INVALID, STORE_INVALID, STORE_FAILED.
 */
export async function selfSignedAuthority(options: SelfSignedOptions): Promise<SelfSignedAuthority> {
  const trustDomain = trustDomainOf(options);
  const { keys, keyType = "ec-p256", rootTtlSeconds = 315_360_000, refreshHintSeconds = 300 } = options;
  const { subordinateTtlSeconds = 7_776_000 } = options;
  const pipeline = issuanceOptions(trustDomain, options);
  const { clock, random, ttl } = pipeline;
  const issuance = createIssuance(pipeline);
  const pollSeconds = options.pollSeconds ?? 60;
  /** What another process signs with a root that is old already, until it looks, counts too. Seconds. */
  const longest = ttl.maxSeconds + 2 * pollSeconds;
  const listeners = createListeners();
  let closed = false;

  const newRoot = (sequence: number): Promise<Slot> =>
    createRoot({ keys, keyType, trustDomain, rootTtlSeconds, clock, random, keyId: `authority-${sequence}` });
  const load = async (version: number, journal: Journal): Promise<State> => {
    if (journal.trustDomain !== trustDomain)
      throw new CaError(
        "STORE_INVALID",
        `the keys are those of the trust domain ${journal.trustDomain}, not ${trustDomain}`,
      );
    const roots = journal.slots.map(slotCertificate);
    const active = journal.slots.find(({ status }) => status === "active");
    const certificate = roots[active ? journal.slots.indexOf(active) : -1];
    if (active === undefined || certificate === undefined) throw new CaError("STORE_INVALID", "no root is active");
    const issuer = createIssuer(await mustFindKey(keys, active.keyId), [certificate], activeFirst(certificate, roots));
    await selfTest(issuer);
    const bundle = { trustDomain, x509Authorities: issuer.roots, sequence: journal.sequence, refreshHintSeconds };
    return { version, journal, issuer, bundle, isRevoked: revocationsOf(journal.slots) };
  };
  const start = async (): Promise<State> => {
    for (;;) {
      const found = await rootJournal.read(keys.records);
      if (found) return load(found.version, found.journal);
      const slot: Slot = { ...(await newRoot(1)), status: "active", activatedAt: clock.now() };
      const journal: Journal = { format: 1, trustDomain, sequence: 1, slots: [slot] };
      if (await rootJournal.write(keys.records, 0, journal)) return load(1, journal);
    }
  };
  let state = await start();
  /** Destroys keys that no slot names and no step to come will: those of roots whose retirement a crash cut short. */
  const sweep = async (): Promise<void> => {
    const { sequence, slots } = state.journal;
    for (const keyId of await keys.listKeys()) {
      const made = /^authority-(\d+)$/.exec(keyId)?.[1];
      if (made !== undefined && Number(made) <= sequence && !slots.some((slot) => slot.keyId === keyId))
        await keys.deleteKey(keyId);
    }
  };
  await sweep();
  const adopt = (next: State) => {
    const changed = next.version !== state.version;
    state = next;
    if (changed) listeners.tell();
  };
  const refresh = async (): Promise<void> => {
    const found = await rootJournal.read(keys.records);
    if (found && found.version > state.version) adopt(await load(found.version, found.journal));
  };
  /** One step on the journal: read, change, write; again when another process wrote in between. */
  const step = async (change: (journal: Journal) => Promise<Journal> | Journal): Promise<void> => {
    if (closed) throw new CaError("CA_CLOSED", "the authority is closed");
    for (let attempt = 0; attempt < 10; attempt++) {
      await refresh();
      const before = state;
      const journal = await change(before.journal);
      if (journal === before.journal) return;
      const next = await load(before.version + 1, journal);
      if (await rootJournal.write(keys.records, before.version, journal)) return adopt(next);
    }
    throw new CaError("STORE_FAILED", "other processes keep changing the authority's journal");
  };

  const lists = revocationLists(async (slot: Slot) => {
    const signer = await mustFindKey(keys, slot.keyId);
    return { issuer: slotCertificate(slot), signer, ...(slot.revoked ? { revoked: slot.revoked } : {}) };
  }, clock);
  const find = (journal: Journal, id: string): Slot => {
    const slot = journal.slots.find((candidate) => candidate.id === id);
    if (slot === undefined) throw new CaError("ROTATION_REFUSED", `there is no root ${id}`);
    return slot;
  };
  const replace = (journal: Journal, change: (slot: Slot) => Slot): Journal => ({
    ...journal,
    slots: journal.slots.map(change),
  });
  let poll: Poll | undefined;
  const close = async () => {
    closed = true;
    poll?.close();
    listeners.clear();
  };

  const authority: SelfSignedAuthority = {
    trustDomain,
    get trustBundle() {
      return state.bundle;
    },
    intermediates: [],
    get authorityId() {
      return state.issuer.authorityId;
    },
    get notAfter() {
      return state.issuer.notAfter;
    },
    get slots() {
      return state.journal.slots;
    },
    issue(request) {
      if (closed) return Promise.reject(new CaError("CA_CLOSED", "the authority is closed"));
      return issuance(request, () => state.issuer);
    },
    async issueSubordinate(request) {
      let signing: { readonly issuer: Issuer; readonly plan: SubordinatePlan } | undefined;
      await step((journal) => {
        const { issuer } = state;
        const plan = planSubordinate(request, issuer, subordinateTtlSeconds, pipeline);
        signing = { issuer, plan };
        const until = Math.max(plan.notAfter, find(journal, issuer.authorityId).subordinatesUntil ?? 0);
        return replace(journal, (slot) =>
          slot.id === issuer.authorityId ? { ...slot, subordinatesUntil: until } : slot,
        );
      });
      if (signing === undefined) throw new CaError("SIGNING_FAILED", "the journal took no entry");
      return signSubordinate(request, signing.plan, signing.issuer, pipeline);
    },
    isRevoked: (certificate) => state.isRevoked(certificate),
    revoke: (serial) =>
      step((journal) => {
        const longestLife = Math.max(ttl.maxSeconds, subordinateTtlSeconds) * 1000;
        const slots = withRevocation(journal.slots, serial, clock.now(), longestLife);
        return slots === journal.slots ? journal : { ...journal, slots };
      }),
    revocationLists: (seconds = 86_400) => lists(state.journal.slots, seconds),
    subscribe: listeners.subscribe,
    async prepare() {
      let made: Slot | undefined;
      await step(async (journal) => {
        const present = journal.slots.find(({ status }) => status === "prepared");
        const sequence = journal.sequence + 1;
        made = present ?? (await newRoot(sequence));
        return present ? journal : { ...journal, sequence, slots: [...journal.slots, made] };
      });
      return made ?? find(state.journal, "");
    },
    activate: (id) =>
      step((journal) => {
        const slot = find(journal, id);
        if (slot.status === "active") return journal;
        if (slot.status !== "prepared")
          throw new CaError("ROTATION_REFUSED", `the root ${id} is ${slot.status}, not prepared`);
        const now = clock.now();
        return replace(journal, (other) => {
          if (other.id === id) return { ...other, status: "active", activatedAt: now };
          return other.status === "active" ? { ...other, status: "old", oldSince: now } : other;
        });
      }),
    taint: (id) =>
      step((journal) => {
        const slot = find(journal, id);
        if (slot.tainted) return journal;
        if (slot.status !== "old")
          throw new CaError("ROTATION_REFUSED", `the root ${id} is ${slot.status}; only an old one is tainted`);
        return replace(journal, (other) => (other.id === id ? { ...other, tainted: true } : other));
      }),
    async retire(id, { force = false } = {}) {
      await step((journal) => {
        const slot = journal.slots.find((candidate) => candidate.id === id);
        if (slot === undefined) return journal;
        if (slot.status === "active") throw new CaError("ROTATION_REFUSED", `the root ${id} is active`);
        const alive = slot.status === "old" ? drainedAt(slot, longest, clock.now()) : 0;
        if (!force && clock.now() < alive)
          throw new CaError(
            "BUNDLE_REJECTED",
            `certificates signed by the root ${id} may live until ${new Date(alive).toISOString()}`,
          );
        return { ...journal, sequence: journal.sequence + 1, slots: journal.slots.filter((other) => other.id !== id) };
      });
      await sweep();
    },
    drainedAt: (id) => drainedAt(find(state.journal, id), longest, clock.now()),
    refresh,
    close,
    [Symbol.asyncDispose]: close,
  };
  const tend = async () => {
    await refresh();
    if (options.autoRotate ?? true) await maintainRoots(authority, clock);
  };
  if (pollSeconds > 0) {
    await tend();
    poll = startPoll(clock, pollSeconds, tend);
  }
  return authority;
}

function drainedAt(slot: Slot, maxTtlSeconds: number, now: number): number {
  const leaves = (slot.oldSince ?? now) + maxTtlSeconds * 1000;
  // A subordinate signs for as long as it lives; no leaf outlives it.
  return Math.min(Math.max(leaves, slot.subordinatesUntil ?? 0), slotCertificate(slot).notAfter);
}

const activeFirst = (active: Certificate, roots: readonly Certificate[]): Certificate[] => [
  active,
  ...roots.filter((root) => root !== active),
];
