import { realSleep, type Sleep } from "@fairlead/model";
import type { KubernetesClient } from "./client.ts";
import { KubernetesError } from "./kubernetes-error.ts";
import type { KubernetesObject } from "./object.ts";
import { RESOURCES } from "./resource-type.ts";

export interface LeaderElectionOptions {
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Who stands; unique among the candidates. */
  readonly identity: string;
  /** Seconds after which a leader that does not renew may be replaced. Default 15. */
  readonly leaseSeconds?: number;
  /** Seconds after which a leader that cannot renew steps down by itself; less than `leaseSeconds`. Default 10. */
  readonly renewSeconds?: number;
  /** Seconds between two attempts. Default 2. */
  readonly retrySeconds?: number;
  readonly signal?: AbortSignal;
  /** Called when this candidate becomes leader; `signal` aborts when it no longer is. */
  readonly onElected?: (signal: AbortSignal) => void;
  /** Called with each attempt that failed for another reason than that someone else leads. */
  readonly onError?: (error: KubernetesError) => void;
  /** Wall clock, in milliseconds, written into the Lease. Default `Date.now`. */
  readonly now?: () => number;
  /** Steady clock, in milliseconds, by which leases run out. Default `performance.now`. */
  readonly steadyNow?: () => number;
  readonly sleep?: Sleep;
}

export interface LeaderElection {
  readonly leading: boolean;
  /** The identity that holds the Lease, as last seen. */
  readonly leader: string | undefined;
  /** Steps down, gives the Lease back and ends. Idempotent. */
  close(): Promise<void>;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/**
 * Stands for election by a Lease (coordination.k8s.io/v1). A lease runs out by this process's own steady clock since the
 * last change that it saw, never by comparing clocks of two machines. Two leaders at once are excluded as long as clocks
 * run at nearly the same speed and `renewSeconds` is less than `leaseSeconds`.
 *
 * Source: client-go `tools/leaderelection`.
 */
export function leaderElection(client: KubernetesClient, options: LeaderElectionOptions): LeaderElection {
  return new Election(client, options);
}

class Election implements LeaderElection {
  readonly #client: KubernetesClient;
  readonly #options: LeaderElectionOptions;
  readonly #lease: number;
  readonly #renew: number;
  readonly #retry: number;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  readonly #steadyNow: () => number;
  readonly #running: Promise<void>;
  #observed: { readonly lease: KubernetesObject; readonly at: number } | undefined;
  /** Present while leading. */
  #term: AbortController | undefined;
  #renewedAt = 0;

  constructor(client: KubernetesClient, options: LeaderElectionOptions) {
    const { leaseSeconds = 15, renewSeconds = 10, retrySeconds = 2 } = options;
    if (!(leaseSeconds > renewSeconds && renewSeconds > retrySeconds && retrySeconds > 0))
      throw new KubernetesError("bad-options", "leaseSeconds > renewSeconds > retrySeconds > 0 does not hold");
    this.#client = client;
    this.#options = options;
    this.#lease = leaseSeconds * 1000;
    this.#renew = renewSeconds * 1000;
    this.#retry = retrySeconds * 1000;
    this.#steadyNow = options.steadyNow ?? (() => performance.now());
    const { signal } = options;
    this.#signal = AbortSignal.any([this.#closing.signal, client.closed, ...(signal ? [signal] : [])]);
    this.#running = this.#run();
  }

  get leading(): boolean {
    return this.#term !== undefined;
  }

  get leader(): string | undefined {
    return this.#observed && (specOf(this.#observed.lease).holderIdentity || undefined);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const sleep = this.#options.sleep ?? realSleep;
    try {
      while (!this.#signal.aborted) {
        const started = this.#steadyNow();
        const held = await this.#attempt(started);
        if (held) this.#elected(started);
        else if (this.#steadyNow() - this.#renewedAt >= this.#renew || this.#takenOver()) this.#stepDown();
        await sleep(this.#pause(), this.#signal);
      }
    } finally {
      await this.#release();
    }
  }

  /** Until the next attempt; a leader is awake when it has to step down. */
  #pause(): number {
    const left = this.#renewedAt + this.#renew - this.#steadyNow();
    return this.leading ? Math.max(0, Math.min(this.#retry, left)) : this.#retry;
  }

  #elected(renewedAt: number): void {
    this.#renewedAt = renewedAt;
    if (this.#term || this.#signal.aborted) return;
    this.#term = new AbortController();
    this.#options.onElected?.(this.#term.signal);
  }

  #stepDown(): void {
    const term = this.#term;
    this.#term = undefined;
    term?.abort();
  }

  #takenOver(): boolean {
    return this.leader !== undefined && this.leader !== this.#options.identity;
  }

  /** Takes or renews the lease; false when it is another's or could not be written. */
  async #attempt(started: number): Promise<boolean> {
    // An attempt that hangs must not outlast the time at which the leader steps down.
    const left = this.leading ? this.#renewedAt + this.#renew - started : this.#renew;
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(Math.max(1, Math.floor(left)))]);
    try {
      const current = await this.#read(signal);
      if (current === undefined) {
        const { namespace, name } = this.#options;
        const spec = this.#held(undefined);
        this.#observe(await this.#client.create(RESOURCES.leases, { metadata: { name, namespace }, spec }, { signal }));
        return true;
      }
      const { holderIdentity } = specOf(current);
      if (holderIdentity && holderIdentity !== this.#options.identity && !this.#expired()) return false;
      // With the resource version: of two candidates at once, one gets a conflict.
      this.#observe(
        await this.#client.replace(RESOURCES.leases, { ...current, spec: this.#held(current) }, { signal }),
      );
      return true;
    } catch (cause) {
      if (this.#signal.aborted) return false;
      const error =
        cause instanceof KubernetesError ? cause : new KubernetesError("bad-response", String(cause), { cause });
      if (error.code !== "conflict" && error.code !== "already-exists") this.#options.onError?.(error);
      return false;
    }
  }

  async #read(signal: AbortSignal): Promise<KubernetesObject | undefined> {
    const { namespace, name } = this.#options;
    try {
      const lease = await this.#client.get(RESOURCES.leases, name, { namespace, signal });
      this.#observe(lease);
      return lease;
    } catch (error) {
      if (error instanceof KubernetesError && error.code === "not-found") return undefined;
      throw error;
    }
  }

  #observe(lease: KubernetesObject): void {
    const before = this.#observed && specOf(this.#observed.lease);
    const now = specOf(lease);
    const same = before?.holderIdentity === now.holderIdentity && before?.renewTime === now.renewTime;
    this.#observed = { lease, at: same && this.#observed ? this.#observed.at : this.#steadyNow() };
  }

  #expired(): boolean {
    if (this.#observed === undefined) return false;
    const seconds = specOf(this.#observed.lease).leaseDurationSeconds;
    const duration = seconds === undefined ? this.#lease : seconds * 1000;
    return this.#steadyNow() - this.#observed.at >= duration;
  }

  #held(current: KubernetesObject | undefined): LeaseSpec {
    const before = current ? specOf(current) : {};
    const mine = before.holderIdentity === this.#options.identity;
    const now = microTime((this.#options.now ?? Date.now)());
    return {
      ...before,
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#lease / 1000),
      acquireTime: mine && before.acquireTime ? before.acquireTime : now,
      renewTime: now,
      leaseTransitions: (before.leaseTransitions ?? 0) + (mine || current === undefined ? 0 : 1),
    };
  }

  /** Gives the lease back, so that the next leader need not wait for it to run out. Best effort. */
  async #release(): Promise<void> {
    const wasLeading = this.leading;
    this.#stepDown();
    const lease = this.#observed?.lease;
    if (!wasLeading || lease === undefined || this.#client.closed.aborted) return;
    const spec = { ...specOf(lease), holderIdentity: "", leaseDurationSeconds: 1 };
    try {
      await this.#client.replace(RESOURCES.leases, { ...lease, spec });
      this.#observed = undefined;
    } catch (cause) {
      this.#options.onError?.(
        cause instanceof KubernetesError ? cause : new KubernetesError("bad-response", String(cause), { cause }),
      );
    }
  }
}

function specOf(lease: KubernetesObject): LeaseSpec {
  return (lease.spec ?? {}) as LeaseSpec;
}

/** Kubernetes' MicroTime: RFC 3339 with six digits. */
function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("Z", "000Z");
}
