import {
  backoffDelay,
  DEFAULT_ROTATION,
  type RotationPolicy,
  renewalDelay,
  scheduleRenewal,
} from "../agent/rotation.ts";
import { certificatePem } from "../certificate/authority-certificate.ts";
import { readCertificates } from "../certificate/parse.ts";
import { createAuthorityRequest } from "../csr/authority-request.ts";
import { CaError, toCaError } from "../error.ts";
import type { KeyType } from "../keys/algorithm.ts";
import type { KeyManager } from "../keys/signer.ts";
import { createListeners } from "../listeners.ts";
import type { TrustBundle } from "../trust/bundle.ts";
import type { Revocations } from "../trust/crl.ts";
import { verifyPath } from "../trust/path.ts";
import { type Authority, type AuthorityOptions, issuanceOptions, trustDomainOf } from "./authority.ts";
import { type IntermediateJournal, type IntermediateSlot, intermediateJournal } from "./intermediate-journal.ts";
import { createIssuance } from "./issue.ts";
import { createIssuer, type Issuer, selfTest } from "./issuer.ts";
import { startPoll } from "./poll.ts";
import { revocationLists, revocationsOf, withRevocation } from "./revocation.ts";
import { findOrMakeKey, mustFindKey } from "./root.ts";
import type { UpstreamAuthority } from "./upstream.ts";

export interface IntermediateOptions extends AuthorityOptions {
  readonly trustDomain: string;
  /** Where the signing keys and the journal are; the keys never leave it. */
  readonly keys: KeyManager;
  /** Who signs for this authority. Closed with it. */
  readonly upstream: UpstreamAuthority;
  /** Default `ec-p256`. */
  readonly keyType?: KeyType;
  /** Asked life of a signing certificate. Default 2592000 (30 d). */
  readonly signingTtlSeconds?: number;
  /** When a signing certificate is followed by the next, and how failures are retried. */
  readonly rotation?: Partial<RotationPolicy>;
  /** Told when the upstream does not answer or answers what does not hold; what is in force stays. */
  readonly onProblem?: (error: CaError) => void;
}

export interface IntermediateAuthority extends Authority {
  /** Has a new signing certificate made for a new key now. Rejects with the reason; the old one stays in force. */
  renew(): Promise<void>;
  readonly isRevoked: Revocations;
  revoke(serial: string): Promise<void>;
  revocationLists(seconds?: number): Promise<string>;
}

interface State {
  readonly version: number;
  readonly isRevoked: Revocations;
  readonly journal: IntermediateJournal;
  readonly issuer: Issuer;
  readonly bundle: TrustBundle;
}

/**
 * An authority whose signing certificate an upstream makes: a key is made here, certified there, checked, tried, written
 * to the journal and then used; renewed at half life with a new key. The roots are the upstream's, old ones as long as
 * leaves may need them. Finds its state again after a restart, without the upstream. Rejects when there is none and the
 * upstream does not answer: REQUEST_FAILED, BUNDLE_INVALID, STORE_INVALID, KEY_NOT_FOUND.
 */
export async function intermediateAuthority(options: IntermediateOptions): Promise<IntermediateAuthority> {
  const trustDomain = trustDomainOf(options);
  const { keys, upstream, keyType = "ec-p256", signingTtlSeconds = 2_592_000, onProblem } = options;
  const rotation: RotationPolicy = { ...DEFAULT_ROTATION, ...options.rotation };
  const pipeline = issuanceOptions(trustDomain, options);
  const { clock, ttl } = pipeline;
  const issuance = createIssuance(pipeline);
  const listeners = createListeners();
  const closing = new AbortController();
  let failures = 0;
  let cancel: () => void = () => undefined;
  let renewal: Promise<void> | undefined;

  const load = async (version: number, journal: IntermediateJournal): Promise<State> => {
    if (journal.trustDomain !== trustDomain)
      throw new CaError("STORE_INVALID", `the keys are those of ${journal.trustDomain}, not ${trustDomain}`);
    const [slot] = journal.slots;
    if (slot === undefined) throw new CaError("STORE_INVALID", "no signing certificate");
    const roots = [...new Set(journal.slots.flatMap((one) => one.roots))].flatMap((pem) => readCertificates(pem));
    const own = slot.roots.flatMap((pem) => readCertificates(pem));
    const chain = slot.chain.flatMap((pem) => readCertificates(pem));
    // Time is the business of issuing: an authority that was down for long must start, to be renewed.
    const at = Math.max(...chain.map(({ notBefore }) => notBefore));
    const path = verifyPath(chain, own, { at, code: "BUNDLE_INVALID" });
    const short = path.findIndex(({ basicConstraints }, index) => (basicConstraints?.pathLength ?? 99) < index);
    if (short > 0)
      throw new CaError("BUNDLE_INVALID", `${path[short]?.subjectText} allows no authority this far below it`);
    const issuer = createIssuer(await mustFindKey(keys, slot.keyId), path, roots);
    await selfTest(issuer);
    const bundle = { trustDomain, x509Authorities: issuer.roots, sequence: journal.sequence, refreshHintSeconds: 300 };
    return { version, journal, issuer, bundle, isRevoked: revocationsOf(journal.slots) };
  };

  const needed = (slot: IntermediateSlot): boolean => {
    const leaves = (slot.oldSince ?? clock.now()) + ttl.maxSeconds * 1000;
    const [signing] = readCertificates(slot.chain[0] ?? "");
    return slot.oldSince === undefined || clock.now() < Math.min(leaves, signing?.notAfter ?? 0);
  };
  const mint = async (before: State | undefined): Promise<State> => {
    const generation = (before?.journal.generation ?? 0) + 1;
    const signer = await findOrMakeKey(keys, `intermediate-${generation}`, keyType);
    const answer = await upstream
      .mint({
        csr: await createAuthorityRequest(signer, trustDomain),
        trustDomain,
        ttlSeconds: signingTtlSeconds,
        roots: before?.bundle.x509Authorities.join(""),
        signal: closing.signal,
      })
      .catch((cause: unknown) => {
        throw toCaError(cause, "REQUEST_FAILED", `${upstream.name} did not answer: ${(cause as Error)?.message}`);
      });
    const split = (texts: readonly string[]) =>
      texts.flatMap((text) => readCertificates(text, "BUNDLE_INVALID")).map(certificatePem);
    const fresh: IntermediateSlot = {
      keyId: signer.keyId,
      chain: split(answer.certificateChain),
      roots: split(answer.roots),
    };
    const old = (before?.journal.slots ?? []).map((slot) => ({ ...slot, oldSince: slot.oldSince ?? clock.now() }));
    const slots = [fresh, ...old.filter(needed)];
    const journal = { format: 1 as const, trustDomain, generation, sequence: 1, slots };
    return adoptable(before, journal);
  };
  /** The state of a journal, its sequence gone up where the roots changed. */
  const adoptable = async (before: State | undefined, journal: IntermediateJournal): Promise<State> => {
    const next = await load((before?.version ?? 0) + 1, journal);
    if (next.issuer.notAfter <= clock.now())
      throw new CaError("BUNDLE_INVALID", `${upstream.name} made a certificate that has ended`);
    const same = before && JSON.stringify(before.issuer.roots) === JSON.stringify(next.issuer.roots);
    const sequence = (before?.journal.sequence ?? 0) + (same ? 0 : 1);
    return { ...next, journal: { ...journal, sequence }, bundle: { ...next.bundle, sequence } };
  };
  /** Writes and adopts what `change` makes of the newest state; another process that was first wins. */
  const commit = async (
    current: State | undefined,
    change: (before: State | undefined) => Promise<State | undefined>,
  ): Promise<State> => {
    const found = await intermediateJournal.read(keys.records);
    const before = found && found.version !== current?.version ? await load(found.version, found.journal) : current;
    if (before !== undefined && before !== current) return before;
    const next = await change(before);
    if (next === undefined) return before ?? fail();
    if (await intermediateJournal.write(keys.records, before?.version ?? 0, next.journal)) return next;
    const won = await intermediateJournal.read(keys.records);
    return won ? load(won.version, won.journal) : fail();
  };
  const fail = (): never => {
    throw new CaError("STORE_FAILED", "the journal of the intermediate authority is gone");
  };

  const stored = await intermediateJournal.read(keys.records);
  let state = stored ? await load(stored.version, stored.journal) : await commit(undefined, mint);
  const adopt = async (next: State): Promise<void> => {
    if (next === state) return;
    state = next;
    listeners.tell();
    const inUse = new Set(next.journal.slots.map(({ keyId }) => keyId));
    for (const keyId of await keys.listKeys()) {
      const generation = Number(/^intermediate-(\d+)$/.exec(keyId)?.[1] ?? Number.NaN);
      if (generation < next.journal.generation && !inUse.has(keyId)) await keys.deleteKey(keyId);
    }
  };
  const scheduleNext = (delay: number) => {
    cancel();
    cancel = scheduleRenewal(clock, delay, () => void renew().catch(() => undefined));
  };
  const renew = (): Promise<void> => {
    if (closing.signal.aborted) return Promise.reject(new CaError("CA_CLOSED", "the authority is closed"));
    renewal ??= (async () => {
      try {
        await adopt(await commit(state, mint));
        failures = 0;
        if (!closing.signal.aborted) scheduleNext(delayToNext());
      } catch (cause) {
        const error = toCaError(cause, "REQUEST_FAILED", `${upstream.name}: ${(cause as Error)?.message}`);
        if (!closing.signal.aborted) {
          scheduleNext(backoffDelay(++failures, rotation, Math.random, error.retryAfterMs));
          onProblem?.(error);
        }
        throw error;
      } finally {
        renewal = undefined;
      }
    })();
    return renewal;
  };
  const delayToNext = (): number => {
    const [signing] = readCertificates(state.journal.slots[0]?.chain[0] ?? "");
    const start = signing?.notBefore ?? clock.now();
    return Math.max(0, start + renewalDelay(start, state.issuer.notAfter, rotation, Math.random) - clock.now());
  };
  /** Takes in what another process wrote and what roots the upstream publishes now. */
  const look = async (): Promise<void> => {
    try {
      const published = await upstream.roots?.(closing.signal);
      await adopt(
        await commit(state, async (before) => {
          const [slot, ...old] = before?.journal.slots ?? [];
          if (before === undefined || slot === undefined || published === undefined) return undefined;
          const pems = published.flatMap((text) => readCertificates(text, "BUNDLE_INVALID")).map(certificatePem);
          const fresh = pems.filter((pem) => !slot.roots.includes(pem));
          if (fresh.length === 0) return undefined;
          const slots = [{ ...slot, roots: [...slot.roots, ...fresh] }, ...old];
          return adoptable(before, { ...before.journal, slots });
        }),
      );
    } catch (cause) {
      onProblem?.(toCaError(cause, "REQUEST_FAILED", `${upstream.name}: ${(cause as Error)?.message}`));
      throw cause;
    }
  };
  const lists = revocationLists(async ({ keyId, chain, revoked = [] }: IntermediateSlot) => {
    const [issuer] = readCertificates(chain[0] ?? "");
    if (issuer === undefined) throw new CaError("STORE_INVALID", "no signing certificate");
    return { issuer, revoked, signer: await mustFindKey(keys, keyId) };
  }, clock);
  scheduleNext(delayToNext());
  const poll = startPoll(clock, options.pollSeconds ?? 60, look);
  const close = async () => {
    closing.abort();
    cancel();
    poll.close();
    listeners.clear();
    await upstream.close();
  };
  return {
    trustDomain,
    get trustBundle() {
      return state.bundle;
    },
    get intermediates() {
      return [...new Set(state.journal.slots.flatMap(({ chain }) => chain))];
    },
    get authorityId() {
      return state.issuer.authorityId;
    },
    get notAfter() {
      return state.issuer.notAfter;
    },
    issue(request) {
      if (closing.signal.aborted) return Promise.reject(new CaError("CA_CLOSED", "the authority is closed"));
      return issuance(request, () => state.issuer);
    },
    subscribe: listeners.subscribe,
    renew,
    isRevoked: (certificate) => state.isRevoked(certificate),
    async revoke(serial) {
      const revoked = () => state.journal.slots.every((slot) => slot.revoked?.some((one) => one.serial === serial));
      // Another process's change wins, and ours goes on top of it.
      for (let attempt = 0; attempt < 10; attempt++) {
        await adopt(
          await commit(state, async (before) => {
            const slots = withRevocation(before?.journal.slots ?? [], serial, clock.now(), ttl.maxSeconds * 1000);
            return before && slots !== before.journal.slots
              ? load(before.version + 1, { ...before.journal, slots })
              : undefined;
          }),
        );
        if (revoked()) return;
      }
      throw new CaError("STORE_FAILED", "other processes keep changing the authority's journal");
    },
    revocationLists: (seconds = 86_400) => lists(state.journal.slots, seconds),
    close,
    [Symbol.asyncDispose]: close,
  };
}
