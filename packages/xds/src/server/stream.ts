// Longer than most: the state machine of one stream is one algorithm.
import type { NodeJson } from "@fairlead/model";
import { CLUSTER_TYPE, ENDPOINT_TYPE, type ResourceType, resourceType } from "../resource-type.ts";
import { XdsError } from "../xds-error.ts";
import { bisect } from "./bisection.ts";
import type { Budget } from "./budget.ts";
import type { Clock } from "./clock.ts";
import { withoutUsersOf } from "./cluster-references.ts";
import { endpointName, endpointNames } from "./endpoint-names.ts";
import type { Client, Emitter } from "./event.ts";
import { type Counters, count } from "./metrics.ts";
import { rejectedResources } from "./nack.ts";
import type { Peer } from "./peer.ts";
import type { Hold, Judge, Rejections } from "./rejections.ts";
import { type Request, readRequest } from "./request.ts";
import { type Answer, type ResponseWriter, removalsOf, stillToResend, upsertsOf } from "./response.ts";
import type { NodeResources, ResourceSource } from "./source.ts";
import { deltaSubscription, sotwSubscription } from "./subscription.ts";
import {
  createTypeState,
  disclaimed,
  NO_NAMES,
  NO_REMOVALS,
  type Outstanding,
  type TypeState,
  undone,
  withHolds,
} from "./type-state.ts";
import {
  difference,
  EMPTY_VIEW,
  hasNoBytes,
  isEmpty,
  removalsBetween,
  restrict,
  type View,
  versionOf,
  viewOf,
  viewOfVersions,
  withKept,
  withoutRemovals,
} from "./view.ts";

/** How long the steps of a change wait for each other. Milliseconds. */
export interface Timing {
  /** The next response of a type waits for the answer to the last one, and listeners and routes for the answer to clusters, at most this long. */
  readonly ackTimeout: number;
  /** From the acknowledgement of what may have referred to a cluster until the cluster is removed. */
  readonly drain: number;
  /** A removal waits for acknowledgements no longer than this. */
  readonly removalTimeout: number;
}

/** gRPC status codes in use. */
export const STATUS = {
  ok: 0,
  cancelled: 1,
  invalidArgument: 3,
  permissionDenied: 7,
  resourceExhausted: 8,
  internal: 13,
  unavailable: 14,
} as const;

/** One stream of whatever carries the protocol. */
export interface Transport {
  readonly mode: "sotw" | "delta";
  readonly peer: Peer;
  /** The one type of the service, or `undefined` for an aggregated stream. */
  readonly typeUrl: string | undefined;
  /** The client waits for one response, be it empty. */
  readonly single?: boolean;
  /** Never called again before `done`. The bytes are shared and must not be changed. */
  send(bytes: Buffer, done: (error?: Error | null) => void): void;
  /** Ends the stream from the server's side. */
  end(code: number, message: string): void;
}

/** What all streams of a server share. */
export interface StreamContext {
  readonly source: ResourceSource;
  readonly authorize: (peer: Peer, node: NodeJson) => string | undefined | Promise<string | undefined>;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly budget: Budget;
  readonly writer: ResponseWriter;
  readonly rejections: Rejections;
  readonly events: Emitter;
  readonly counters: Counters;
  readonly plaintextSecrets: boolean;
  opened(stream: DiscoveryStream): void;
  /** The stream has ended, by whichever side. */
  ended(stream: DiscoveryStream): void;
  /** Has `stream.pump()` called soon. */
  enqueue(stream: DiscoveryStream): void;
  /** Whether another client of the class has accepted the version. */
  isAccepted(judge: Judge, typeUrl: string, name: string, version: string): boolean;
}

/** Requests that may arrive while the node is being authorized; types, names and responses without an answer of one stream. */
const LIMITS = { early: 64, types: 64, names: 200_000, unanswered: 16 };

/** One stream: what it asked for, what it has, and what it is sent next. */
export class DiscoveryStream {
  readonly #context: StreamContext;
  readonly #transport: Transport;
  readonly #id: number;
  #client: Client | undefined;
  #judge: Judge = { class: "", node: "" };
  #resources: NodeResources | undefined;
  #early: Request[] | undefined;
  #ended = false;
  /** In push order. */
  #states: TypeState[] = [];
  #release: (() => void) | undefined;
  #writing = false;
  #cancelWake: (() => void) | undefined;
  #lastReferrerAck = Number.NEGATIVE_INFINITY;
  /** Endpoints of clusters that changed before the stream asked for endpoints. */
  #changedEndpoints: ReadonlySet<string> = NO_NAMES;
  #missing: { readonly key: string; readonly names: ReadonlySet<string> } = { key: "", names: NO_NAMES };
  readonly #retry = () => this.#context.enqueue(this);

  constructor(context: StreamContext, transport: Transport, id: number) {
    this.#context = context;
    this.#transport = transport;
    this.#id = id;
  }

  get client(): Client | undefined {
    return this.#client;
  }

  get judge(): Judge {
    return this.#judge;
  }

  get states(): readonly TypeState[] {
    return this.#states;
  }

  /** A request arrived. A bad one ends this stream, with a status that says why. */
  receive(bytes: Uint8Array): void {
    if (this.#ended) return;
    try {
      const request = readRequest(this.#transport.mode, bytes);
      const typeUrl = this.#transport.typeUrl ?? request.typeUrl;
      if (typeUrl === "") throw new XdsError("invalid-value", "a discovery request names no type", { path: "typeUrl" });
      if (request.typeUrl !== "" && request.typeUrl !== typeUrl)
        throw new XdsError("invalid-value", `this service serves ${typeUrl} only`, { path: "typeUrl" });
      count(this.#context.counters.requests, resourceType(typeUrl).shortName);
      const typed = { ...request, typeUrl };
      if (this.#resources) this.#handle(typed);
      else if (this.#early) {
        if (this.#early.length >= LIMITS.early)
          this.#refuse(STATUS.resourceExhausted, "too many requests before the node was accepted");
        else this.#early.push(typed);
      } else if (!request.node)
        this.#refuse(STATUS.invalidArgument, "the first request of a stream must carry the node");
      else {
        this.#early = [typed];
        void this.#open(request.node);
      }
    } catch (error) {
      this.#refuse(STATUS.invalidArgument, error instanceof Error ? error.message : String(error));
    }
  }

  /** The transport is gone. Gives everything back. */
  close(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelWake?.();
    this.#release?.();
    this.#context.budget.forget(this.#retry);
    this.#resources?.close();
    this.#resources = undefined;
    this.#states = [];
    this.#context.ended(this);
    this.#context.events.emit("disconnect", { client: this.#client, peer: this.#transport.peer, reason });
  }

  /** Ends the stream from our side. */
  end(code: number, message: string): void {
    if (this.#ended) return;
    this.close(message);
    this.#transport.end(code, message);
  }

  #refuse(code: number, message: string): void {
    this.#context.counters.streamsRefused++;
    this.end(code, message);
  }

  async #open(node: NodeJson): Promise<void> {
    const { peer, mode } = this.#transport;
    try {
      const refusal = await this.#context.authorize(peer, node);
      if (this.#ended) return;
      if (refusal !== undefined) {
        this.#refuse(STATUS.permissionDenied, refusal);
        return;
      }
    } catch (error) {
      this.#refuse(STATUS.permissionDenied, `not authorized: ${error instanceof Error ? error.message : error}`);
      return;
    }
    try {
      this.#resources = this.#context.source.open(node, peer, this.#retry);
    } catch (error) {
      this.#refuse(STATUS.invalidArgument, error instanceof Error ? error.message : String(error));
      return;
    }
    const version = node.userAgentBuildVersion?.version;
    const { majorNumber = 0, minorNumber = 0, patch = 0 } = version ?? {};
    const release = version ? `${majorNumber}.${minorNumber}.${patch}` : (node.userAgentVersion ?? "");
    this.#judge = { class: `${node.userAgentName ?? ""}/${release}`, node: node.id ?? "" };
    this.#client = { id: this.#id, node, peer, mode };
    // A client that comes back names its clusters before it has named what uses them.
    this.#lastReferrerAck = this.#context.clock.now();
    this.#context.events.emit("connect", { client: this.#client });
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const request of early) {
      if (this.#ended) return;
      try {
        this.#handle(request);
      } catch (error) {
        this.#refuse(STATUS.invalidArgument, error instanceof Error ? error.message : String(error));
      }
    }
  }

  #state(typeUrl: string): TypeState | undefined {
    return this.#states.find(({ type }) => type.typeUrl === typeUrl);
  }

  #handle(request: Request): void {
    const state = this.#state(request.typeUrl);
    if (!state) this.#begin(resourceType(request.typeUrl), request);
    else if (this.#transport.mode === "sotw") this.#sotw(state, request);
    else this.#delta(state, request);
    if (this.#ended) return;
    const names = this.#states.reduce((sum, { subscription }) => sum + subscription.names.size, 0);
    if (names > LIMITS.names || this.#states.length > LIMITS.types)
      this.#refuse(STATUS.resourceExhausted, `a stream may ask for ${LIMITS.names} names of ${LIMITS.types} types`);
    else this.#context.enqueue(this);
  }

  /** The first request of a type on this stream; the client may come from another stream, and have something. */
  #begin(type: ResourceType, request: Request): void {
    const sotw = this.#transport.mode === "sotw";
    const { subscription } = sotw
      ? sotwSubscription(type, undefined, request.names)
      : deltaSubscription(type, undefined, request.names, request.unsubscribe);
    const state = createTypeState(type, subscription);
    if (type.secret && this.#withholdsSecrets()) this.#context.counters.secretsWithheld++;
    state.nonce = request.nonce;
    state.owed = subscription.wildcard || (sotw && type.fullState) || this.#transport.single === true;
    if (sotw && type.fullState && request.version !== "") {
      const target = this.#target(state);
      if (versionOf(target) === request.version) {
        state.sent = target;
        state.acked = target;
        state.owed = false;
      }
    }
    if (!sotw && !type.secret && request.initialVersions.size > 0) {
      state.sent = restrict(viewOfVersions(type.typeUrl, request.initialVersions), subscription);
      state.acked = state.sent;
      state.owed = false;
      if (type.typeUrl === ENDPOINT_TYPE) state.resend = this.#changedEndpoints;
    }
    if (type.typeUrl === ENDPOINT_TYPE) this.#changedEndpoints = NO_NAMES;
    const at = this.#states.findIndex((other) => other.type.order > type.order);
    this.#states.splice(at === -1 ? this.#states.length : at, 0, state);
  }

  #sotw(state: TypeState, request: Request): void {
    if (request.nonce !== state.nonce) this.#context.counters.staleNonces++;
    this.#settle(state, request);
    // What it wants is news even beside an old nonce: it may have dropped a name and be asking for it again.
    this.#subscribe(state, sotwSubscription(state.type, state.subscription, request.names));
  }

  #delta(state: TypeState, request: Request): void {
    if (request.nonce !== "" && !this.#settle(state, request)) this.#context.counters.staleNonces++;
    this.#subscribe(state, deltaSubscription(state.type, state.subscription, request.names, request.unsubscribe));
  }

  #subscribe(
    state: TypeState,
    { subscription, again }: { subscription: TypeState["subscription"]; again: ReadonlySet<string> },
  ): void {
    if (again.size > 0) state.resend = state.resend.size === 0 ? again : new Set([...state.resend, ...again]);
    if (subscription === state.subscription) return;
    if (subscription.wildcard && !state.subscription.wildcard) state.owed = true;
    state.subscription = subscription;
    state.sent = restrict(state.sent, subscription);
    if (state.acked) state.acked = restrict(state.acked, subscription);
  }

  /** The answer to a response; `false` when that was answered before. Answers come in the order of the responses. */
  #settle(state: TypeState, request: Request): boolean {
    const at = state.outstanding.findIndex(({ nonce }) => nonce === request.nonce);
    const answered = state.outstanding[at];
    const client = this.#client;
    if (!answered || !client) return false;
    state.outstanding = state.outstanding.slice(at + 1);
    if (request.error) {
      count(this.#context.counters.nacks, state.type.shortName);
      this.#reject(state, client, answered, request.error.message);
      return true;
    }
    const now = this.#context.clock.now();
    count(this.#context.counters.acks, state.type.shortName);
    state.acked = restrict(answered.goal, state.subscription);
    if (!state.bisection) state.lastNack = undefined;
    if (state.type.refersToClusters) this.#lastReferrerAck = now;
    this.#context.rejections.accept(this.#judge, answered.upserts);
    state.bisection?.accepted();
    this.#context.events.emit("ack", {
      client,
      type: state.type,
      resources: answered.upserts,
      latency: now - answered.sentAt,
    });
    return true;
  }

  #reject(state: TypeState, client: Client, { upserts, goal }: Outstanding, message: string): void {
    const accepted = state.acked ?? EMPTY_VIEW;
    // A response with the full state is rejected for anything in it that was not accepted before.
    const full = this.#transport.mode === "sotw" && state.type.fullState;
    const suspects = full ? difference(accepted, goal).upserts : upserts;
    const named = rejectedResources(message, suspects);
    const bisected = named.length === 0 ? state.bisection?.rejected(suspects) : undefined;
    const culprits = bisected ? [bisected] : named.length > 0 ? named : suspects.length === 1 ? suspects : [];
    if (named.length > 0) state.bisection = undefined;
    for (const culprit of culprits) {
      const { name, version } = culprit;
      const old = accepted.entries.get(name);
      if (old?.version === version) continue;
      const elsewhere = this.#context.isAccepted(this.#judge, state.type.typeUrl, name, version);
      this.#context.rejections.reject(this.#judge, culprit, old && !hasNoBytes(old) ? old : undefined, elsewhere);
    }
    if (culprits.length === 0 && suspects.length > 0) state.bisection ??= bisect(suspects);
    const blamed = culprits.length > 0 ? culprits : suspects;
    // Whether the rest of the response was taken is not known: Envoy keeps it when it cannot apply one resource, and drops it
    // when it cannot read one. It is offered again, removals too.
    const doubtful = suspects.filter((suspect) => !culprits.includes(suspect));
    const sent = undone(state, { goal, accepted, culprits, doubtful, full });
    state.sent = restrict(sent, state.subscription);
    // To accept a later response is not to accept what an earlier one brought.
    if (!full)
      state.outstanding = state.outstanding.map((later) => ({ ...later, goal: disclaimed(later.goal, suspects) }));
    // The full state says all of that by itself.
    const took = named.length > 0 && doubtful.length === 0 && removalsBetween(accepted, goal).length === 0;
    if (full && suspects.length > 0 && !took) state.owed = true;
    state.lastNack = { message, resources: blamed.map(({ name }) => name) };
    this.#context.events.emit("nack", {
      client,
      type: state.type,
      message,
      resources: blamed.map(({ name, version, sources }) => ({ name, version, sources })),
      attribution: bisected ? "bisection" : named.length > 0 ? "named" : culprits.length > 0 ? "only" : "candidates",
    });
  }

  #withholdsSecrets(): boolean {
    return this.#transport.peer.transport === "plaintext" && !this.#context.plaintextSecrets;
  }

  /** What the client should have, were there no order to keep. */
  #target(state: TypeState): View {
    const base = this.#base(state);
    const target = withHolds(state, base, this.#holds(state));
    if (!state.type.refersToClusters) return target;
    const missing = this.#missingClusters();
    if (missing.size === 0) {
      state.kept = undefined;
      return target;
    }
    const { kept, sent } = state;
    if (kept && kept.target === target && kept.sent === sent && kept.missing === missing) return kept.view;
    state.kept = { target, sent, missing, ...withoutUsersOf(missing, sent, target) };
    return state.kept.view;
  }

  /** What the source has for a subscription. */
  #base({ type, subscription }: TypeState): View {
    const set = type.secret && this.#withholdsSecrets() ? undefined : this.#resources?.get(type.typeUrl);
    return viewOf(type, set, subscription);
  }

  /** Clusters that exist, but that this client rejected and has in no version. */
  #missingClusters(): ReadonlySet<string> {
    const clusters = this.#state(CLUSTER_TYPE);
    const holds = clusters ? this.#holds(clusters) : [];
    if (!clusters || holds.length === 0) return NO_NAMES;
    const base = this.#base(clusters);
    const { acked } = clusters;
    const names = holds.flatMap(({ name, version, fallback }) =>
      base.entries.get(name)?.version === version && !fallback && !acked?.entries.has(name) ? [name] : [],
    );
    const key = names.join("\n");
    if (this.#missing.key !== key) this.#missing = { key, names: new Set(names) };
    return this.#missing.names;
  }

  #holds({ type, bisection }: TypeState): readonly Hold[] {
    const held = this.#context.rejections.held(this.#judge, type.typeUrl);
    return bisection && !bisection.done ? [...held, ...bisection.holds] : held;
  }

  /**
   * Sends the next response, if one is due: what is referred to before what refers to it, one response of a type at a time, the
   * newest state always.
   */
  pump(): void {
    if (this.#ended || this.#writing || !this.#resources) return;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    const now = this.#context.clock.now();
    const waits: number[] = [];
    // Envoy acknowledges clusters when all of them are warm (see its ClusterManagerImpl::updateClusterCounts).
    let clustersUntil = this.#state(CLUSTER_TYPE)?.outstanding[0]?.deadline ?? now;
    for (const state of this.#states) {
      const { type } = state;
      const target = type.heldOnRemoval
        ? this.#withHeldRemovals(state, this.#target(state), now, waits)
        : this.#target(state);
      const answer = this.#answer(state, target);
      if (!answer) continue;
      // Whoever is overdue is not waited for.
      let until = state.outstanding[0]?.deadline ?? now;
      if (type.refersToClusters) until = Math.max(until, clustersUntil);
      if (type.typeUrl === CLUSTER_TYPE) clustersUntil = until;
      if (until > now) waits.push(until);
      else {
        this.#send(state, answer, now);
        return;
      }
    }
    const next = Math.min(...waits);
    if (Number.isFinite(next)) this.#cancelWake = this.#context.clock.after(Math.max(1, next - now), this.#retry);
  }

  /** What there is to say about a type; `undefined` when the client has it all. */
  #answer(state: TypeState, goal: View): Answer | undefined {
    const answer: Answer = { type: state.type, difference: difference(state.sent, goal), resend: state.resend };
    const upserts = upsertsOf(answer).length;
    const removals = removalsOf(answer).length;
    if (state.bisection && state.outstanding.length === 0 && answer.difference.upserts.length === 0) {
      // Nothing of this step is left to offer: what it was about has changed meanwhile.
      if (state.bisection.done) state.bisection = undefined;
      else state.bisection.accepted();
      this.#context.enqueue(this);
    }
    const partial = this.#transport.mode === "sotw" && !state.type.fullState && !this.#transport.single;
    if (upserts > 0 || (removals > 0 && !partial) || (state.owed && !partial)) return answer;
    state.owed = false;
    state.resend = NO_NAMES;
    state.sent = goal;
    // Lets go of a copy of its own, such as what the client said that it has.
    if (state.acked && state.outstanding.length === 0 && isEmpty(difference(state.acked, goal))) state.acked = goal;
    return undefined;
  }

  /** `target` with what must not be removed yet, as something that the client uses may refer to it. */
  #withHeldRemovals(state: TypeState, target: View, now: number, waits: number[]): View {
    const removals = removalsBetween(state.sent, target);
    if (removals.length === 0) {
      state.removals = NO_REMOVALS;
      return target;
    }
    const referrers = this.#referrers();
    let settled = referrers.settledAt;
    // Endpoints are emptied after their cluster is gone, and mostly not at all, as the client no longer asks for them then.
    if (state.type.typeUrl === ENDPOINT_TYPE)
      settled = Math.max(settled, this.#state(CLUSTER_TYPE)?.outstanding.at(-1)?.deadline ?? now);
    const used = this.#usedByKept(state.type);
    const since = new Map(removals.map(({ name }) => [name, state.removals.get(name) ?? now]));
    state.removals = since;
    const kept = removals.filter(({ name }) => {
      const timeout = (since.get(name) ?? now) + this.#context.timing.removalTimeout;
      const at = referrers.told && !used.has(name) ? Math.min(settled, timeout) : Number.POSITIVE_INFINITY;
      if (now < at) waits.push(at);
      return now < at;
    });
    if (kept.length === removals.length) return withoutRemovals(state.sent, target);
    return kept.length === 0 ? target : withKept(target, kept);
  }

  /** Clusters, or their endpoints, that are used by what is kept back for want of another cluster. */
  #usedByKept(type: ResourceType): ReadonlySet<string> {
    const names = new Set(this.#states.flatMap(({ kept }) => [...(kept?.clusters ?? [])]));
    if (type.typeUrl === CLUSTER_TYPE || names.size === 0) return names;
    const { entries } = this.#state(CLUSTER_TYPE)?.sent ?? EMPTY_VIEW;
    return new Set([...names].map((name) => endpointName(entries.get(name)) ?? name));
  }

  /** Whether all that uses what is no longer wanted was told otherwise, and from when on it is known to have listened. */
  #referrers(): { readonly told: boolean; readonly settledAt: number } {
    let told = true;
    let settledAt = this.#lastReferrerAck + this.#context.timing.drain;
    for (const state of this.#states) {
      if (!state.type.refersToClusters) continue;
      const target = this.#target(state);
      const { upserts, removed } = difference(state.sent, target);
      const base = this.#base(state);
      if (upserts.length > 0 || removed.length > 0) told = false;
      if (!told || target !== base || state.outstanding.length > 0) settledAt = Number.POSITIVE_INFINITY;
    }
    return { told, settledAt };
  }

  #send(state: TypeState, answer: Answer, now: number): void {
    const { budget, writer, counters, events, timing } = this.#context;
    const { mode } = this.#transport;
    const client = this.#client;
    if (!client) return;
    let response = writer.respond(mode, answer);
    if (state.outstanding.some(({ nonce }) => nonce === response.nonce)) response = writer.respond(mode, answer, true);
    const release = budget.take(response.bytes.length, this.#retry);
    if (!release) return;
    const upserts = upsertsOf(answer);
    const removed = removalsOf(answer);
    const goal = answer.difference.to;
    const outstanding = { nonce: response.nonce, goal, upserts, sentAt: now, deadline: now + timing.ackTimeout };
    state.outstanding = [...state.outstanding.slice(-LIMITS.unanswered), outstanding];
    state.sent = answer.difference.to;
    state.nonce = response.nonce;
    state.resend = stillToResend(answer);
    state.owed = false;
    if (state.type.typeUrl === CLUSTER_TYPE) this.#resendEndpoints(answer);
    count(counters.responses, state.type.shortName);
    count(counters.resourcesSent, state.type.shortName, response.resources);
    count(counters.removalsSent, state.type.shortName, removed.length);
    counters.bytesSent += response.bytes.length;
    this.#writing = true;
    this.#release = release;
    events.emit("push", { client, type: state.type, bytes: response.bytes.length, resources: upserts, removed });
    this.#transport.send(response.bytes, (error) => {
      release();
      this.#release = undefined;
      this.#writing = false;
      if (error) this.close(error.message);
      else this.#context.enqueue(this);
    });
  }

  #resendEndpoints({ difference: changed }: Answer): void {
    const names = endpointNames(changed);
    if (names.size === 0) return;
    const endpoints = this.#state(ENDPOINT_TYPE);
    if (!endpoints)
      this.#changedEndpoints =
        this.#changedEndpoints.size === 0 ? names : new Set([...this.#changedEndpoints, ...names]);
    else endpoints.resend = endpoints.resend.size === 0 ? names : new Set([...endpoints.resend, ...names]);
  }
}
