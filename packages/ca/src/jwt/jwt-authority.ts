import { randomUUID } from "node:crypto";
import { parseSpiffeId, type SpiffeId, type TrustDomain, type Unsubscribe } from "@fairlead/model";
import { calculateJwkThumbprint, type JWK } from "jose";
import { trustDomainOf } from "../authority/authority.ts";
import { startPoll } from "../authority/poll.ts";
import { findOrMakeKey, mustFindKey } from "../authority/root.ts";
import { type Clock, systemClock } from "../clock.ts";
import { CaError, toCaError } from "../error.ts";
import type { KeyType } from "../keys/algorithm.ts";
import type { KeyManager, Signer } from "../keys/signer.ts";
import { createListeners } from "../listeners.ts";
import type { JwtAuthorityKey } from "../trust/bundle.ts";
import { type JwtJournal, type JwtSlot, jwtJournal } from "./journal.ts";
import { jwsAlgorithm, publicJwk, signCompact } from "./signature.ts";

export interface JwtAuthorityOptions {
  readonly trustDomain: string;
  /** Where the keys and their journal are; may be those of an X.509 authority. */
  readonly keys: KeyManager;
  /** Default `ec-p256` (ES256). */
  readonly keyType?: KeyType;
  /** The `iss` of tokens, for consumers that know OIDC only; absent by default. */
  readonly issuer?: string;
  /** Life of a token where none is asked for. Default 300. */
  readonly defaultTtlSeconds?: number;
  /** Longer ones are refused. Default 3600. */
  readonly maxTtlSeconds?: number;
  /** How long a key signs. Default 604800 (7 d): its successor is made at half of it and signs after five sixths. 0: for good. */
  readonly keyTtlSeconds?: number;
  /** Seconds between looks at the keys' age and at what other processes did. Default 60; 0 never looks. */
  readonly pollSeconds?: number;
  readonly clock?: Clock;
}

export interface JwtSvidRequest {
  readonly identity: SpiffeId;
  /** At least one. */
  readonly audiences: readonly string[];
  readonly ttlSeconds?: number;
}

export interface JwtSvid {
  readonly token: string;
  readonly identity: SpiffeId;
  readonly expiresAt: Date;
}

/** Who makes JWT-SVIDs. */
export interface JwtSvidIssuer {
  mint(request: JwtSvidRequest): Promise<JwtSvid>;
}

export interface JwtAuthority extends JwtSvidIssuer {
  readonly trustDomain: TrustDomain;
  /** The keys to verify with, those that only will sign and those that no longer do included. */
  readonly jwtAuthorities: readonly JwtAuthorityKey[];
  /** Goes up when the set of keys changes. */
  readonly sequence: number;
  readonly slots: readonly JwtSlot[];
  /** Makes the next key and adds it to the bundle; the present one if there is one. */
  prepare(): Promise<JwtSlot>;
  /** Tries the prepared key and signs with it from now on. Throws ROTATION_REFUSED for one in another state. */
  activate(id: string): Promise<void>;
  /** Takes a key that does not sign out of the bundle and destroys it: its tokens are worth nothing from then on. */
  revoke(id: string): Promise<void>;
  subscribe(listener: () => void): Unsubscribe;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface State {
  readonly version: number;
  readonly journal: JwtJournal;
  readonly signer: Signer;
  readonly keyId: string;
}

/** For clocks that differ, beyond the life of tokens. Milliseconds. */
const SKEW_MS = 300_000;

/**
 * Signs JWT-SVIDs (SPIFFE JWT-SVID) with keys in slots: a successor is in the bundle long before it signs, and a key stays
 * there until the last of its tokens has ended. Every step is journalled before it takes effect; several processes may
 * share one key manager. Throws {@link CaError}: OPTION_INVALID, KEY_NOT_FOUND, STORE_INVALID, STORE_FAILED.
 */
export async function jwtAuthority(options: JwtAuthorityOptions): Promise<JwtAuthority> {
  const trustDomain = trustDomainOf(options);
  const { keys, keyType = "ec-p256", clock = systemClock, keyTtlSeconds = 604_800 } = options;
  const { defaultTtlSeconds = 300, maxTtlSeconds = 3600 } = options;
  jwsAlgorithm(keyType);
  const listeners = createListeners();
  let closed = false;

  const newSlot = async (sequence: number): Promise<JwtSlot> => {
    const signer = await findOrMakeKey(keys, `jwt-${sequence}`, keyType);
    const publicKey = publicJwk(signer);
    const id = await calculateJwkThumbprint(publicKey as JWK);
    return { id, keyId: signer.keyId, status: "prepared", publicKey, preparedAt: clock.now() };
  };
  const load = async (version: number, journal: JwtJournal): Promise<State> => {
    if (journal.trustDomain !== trustDomain)
      throw new CaError("STORE_INVALID", `the JWT keys are those of ${journal.trustDomain}, not ${trustDomain}`);
    const active = journal.slots.find(({ status }) => status === "active");
    const signer = await mustFindKey(keys, active?.keyId ?? "");
    if (JSON.stringify(publicJwk(signer)) !== JSON.stringify(active?.publicKey))
      throw new CaError("KEY_MISMATCH", `the key ${signer.keyId} is not the one that the journal of JWT keys names`);
    await signCompact(signer, active?.id ?? "", {});
    return { version, journal, signer, keyId: active?.id ?? "" };
  };
  const start = async (): Promise<State> => {
    for (;;) {
      const found = await jwtJournal.read(keys.records);
      if (found) return load(found.version, found.journal);
      const slot: JwtSlot = { ...(await newSlot(1)), status: "active", activatedAt: clock.now() };
      const journal: JwtJournal = { format: 1, trustDomain, sequence: 1, slots: [slot] };
      if (await jwtJournal.write(keys.records, 0, journal)) return load(1, journal);
    }
  };
  let state = await start();
  const adopt = (next: State) => {
    if (next.version === state.version) return;
    state = next;
    listeners.tell();
  };
  const step = async (change: (journal: JwtJournal) => Promise<JwtJournal> | JwtJournal): Promise<void> => {
    if (closed) throw new CaError("CA_CLOSED", "the authority is closed");
    for (let attempt = 0; attempt < 10; attempt++) {
      const found = await jwtJournal.read(keys.records);
      if (found && found.version > state.version) adopt(await load(found.version, found.journal));
      const before = state;
      const journal = await change(before.journal);
      if (journal === before.journal) return;
      const next = await load(before.version + 1, journal);
      if (await jwtJournal.write(keys.records, before.version, journal)) return adopt(next);
    }
    throw new CaError("STORE_FAILED", "other processes keep changing the journal of JWT keys");
  };
  const prepare = async (): Promise<JwtSlot> => {
    let made: JwtSlot | undefined;
    await step(async (journal) => {
      made = journal.slots.find(({ status }) => status === "prepared");
      if (made) return journal;
      const sequence = journal.sequence + 1;
      made = await newSlot(sequence);
      return { ...journal, sequence, slots: [...journal.slots, made] };
    });
    if (made === undefined) throw new CaError("STORE_FAILED", "no key was made");
    return made;
  };
  const activate = (id: string) =>
    step((journal) => {
      const slot = journal.slots.find((one) => one.id === id);
      if (slot?.status === "active") return journal;
      if (slot?.status !== "prepared") throw new CaError("ROTATION_REFUSED", `no JWT key ${id} is prepared`);
      const now = clock.now();
      const slots = journal.slots.map((one): JwtSlot => {
        if (one.id === id) return { ...one, status: "active", activatedAt: now };
        return one.status === "active" ? { ...one, status: "old", oldSince: now } : one;
      });
      return { ...journal, slots };
    });
  const revoke = async (id: string) => {
    let gone: string | undefined;
    await step((journal) => {
      const slot = journal.slots.find((one) => one.id === id);
      if (slot?.status === "active") throw new CaError("ROTATION_REFUSED", `the JWT key ${id} is active`);
      gone = slot?.keyId;
      if (slot === undefined) return journal;
      return { ...journal, sequence: journal.sequence + 1, slots: journal.slots.filter((one) => one !== slot) };
    });
    if (gone !== undefined) await keys.deleteKey(gone);
  };
  const tend = async () => {
    await step((journal) => journal); // what others did
    const active = state.journal.slots.find(({ status }) => status === "active");
    const age = clock.now() - (active?.activatedAt ?? clock.now());
    const life = keyTtlSeconds * 1000;
    if (life > 0 && age >= life / 2) {
      const next = await prepare();
      if (age >= (life * 5) / 6 && clock.now() - next.preparedAt >= Math.min(life / 3, SKEW_MS))
        await activate(next.id);
    }
    for (const { id, oldSince } of state.journal.slots)
      if (oldSince !== undefined && clock.now() >= oldSince + maxTtlSeconds * 1000 + SKEW_MS) await revoke(id);
  };
  const poll = startPoll(clock, options.pollSeconds ?? 60, tend);
  const close = async () => {
    closed = true;
    poll.close();
    listeners.clear();
  };
  return {
    trustDomain,
    get jwtAuthorities() {
      return state.journal.slots.map(({ id, publicKey }) => ({ keyId: id, publicKey }));
    },
    get sequence() {
      return state.journal.sequence;
    },
    get slots() {
      return state.journal.slots;
    },
    async mint({ identity, audiences, ttlSeconds }) {
      if (closed) throw new CaError("CA_CLOSED", "the authority is closed");
      const id = mustBeOurs(identity, trustDomain);
      if (audiences.length === 0 || audiences.some((audience) => audience === ""))
        throw new CaError("OPTION_INVALID", "a JWT-SVID has an audience");
      const asked =
        ttlSeconds === undefined || ttlSeconds <= 0 ? Math.min(defaultTtlSeconds, maxTtlSeconds) : ttlSeconds;
      if (!(asked <= maxTtlSeconds))
        throw new CaError("TTL_TOO_LONG", `${asked} s were asked for; JWT-SVIDs live at most ${maxTtlSeconds} s`);
      const now = Math.floor(clock.now() / 1000);
      const exp = now + Math.max(1, Math.floor(asked));
      const iss = options.issuer === undefined ? {} : { iss: options.issuer };
      const claims = { ...iss, sub: id.uri, aud: [...new Set(audiences)], exp, iat: now, jti: randomUUID() };
      const { signer, keyId } = state;
      const token = await signCompact(signer, keyId, claims).catch((cause: unknown) => {
        throw toCaError(cause, "SIGNING_FAILED", "the key did not sign the token");
      });
      return { token, identity: id, expiresAt: new Date(exp * 1000) };
    },
    prepare,
    activate,
    revoke,
    subscribe: listeners.subscribe,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function mustBeOurs(identity: SpiffeId, trustDomain: TrustDomain): SpiffeId {
  let id: SpiffeId;
  try {
    id = parseSpiffeId(identity.uri);
  } catch (cause) {
    throw new CaError("SPIFFE_ID_INVALID", (cause as Error).message, { cause });
  }
  if (id.path === "" || id.trustDomain !== trustDomain)
    throw new CaError("SPIFFE_ID_INVALID", `${id.uri} is no workload of ${trustDomain}`);
  return id;
}
