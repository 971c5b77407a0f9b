// Longer than most: the state machine of one stream is one algorithm.
import { STATUS } from "@fairlead/grpc";
import type { NodeJson } from "@fairlead/model";
import { CLUSTER_TYPE, ENDPOINT_TYPE, type ResourceType, resourceType } from "../resource-type.ts";
import { XdsError } from "../xds-error.ts";
import type { Budget } from "./budget.ts";
import type { Clock } from "./clock.ts";
import { endpointNames } from "./endpoint-names.ts";
import { type Client, type Emitter, shownResources } from "./event.ts";
import { StreamGoals, type Timing } from "./goals.ts";
import type { Authorize } from "./listen-options.ts";
import { type Counters, count } from "./metrics.ts";
import type { Judge, Rejections } from "./rejections.ts";
import { type Request, readRequest } from "./request.ts";
import { type Answer, type ResponseWriter, removalsOf, stillToResend, upsertsOf } from "./response.ts";
import type { NodeResources, ResourceSet, ResourceSource } from "./source.ts";
import type { StreamRate } from "./stream-rate.ts";
import { deltaSubscription, sotwSubscription, type Transition } from "./subscription.ts";
import type { Transport } from "./transport.ts";
import { createTypeState, NO_NAMES, type TypeState } from "./type-state.ts";
import { takeRejection } from "./verdict.ts";
import { difference, isEmpty, restrict, type View, versionOf, viewOfVersions } from "./view.ts";

/** What all streams of a server share. */
export interface StreamContext {
  readonly source: ResourceSource;
  readonly authorize: Authorize;
  readonly rate: StreamRate;
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
  #goals: StreamGoals | undefined;
  #early: Request[] | undefined;
  #ended = false;
  /** In push order. */
  readonly #states: TypeState[] = [];
  #release: (() => void) | undefined;
  #writing = false;
  #cancelWake: (() => void) | undefined;
  /** Endpoints of clusters that changed before the stream asked for endpoints. */
  #changedEndpoints: ReadonlySet<string> = NO_NAMES;
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

  /** All that the source has of a type for this node. */
  meant(typeUrl: string): ResourceSet | undefined {
    return this.#resources?.get(typeUrl);
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
    this.#goals = undefined;
    this.#states.length = 0;
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
    if (!(await this.#context.rate.admit())) {
      this.#refuse(STATUS.unavailable, "too many new streams at once; come again");
      return;
    }
    if (this.#ended) return;
    try {
      const refusal = await this.#context.authorize(peer, node);
      if (this.#ended) return;
      if (refusal !== undefined) {
        if (typeof refusal === "string") this.#refuse(STATUS.permissionDenied, refusal);
        else this.#refuse(STATUS.unauthenticated, refusal.unauthenticated);
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
    this.#goals = new StreamGoals({
      states: this.#states,
      resources: this.#resources,
      rejections: this.#context.rejections,
      judge: this.#judge,
      timing: this.#context.timing,
      withholdsSecrets: this.#withholdsSecrets(),
      now: this.#context.clock.now(),
    });
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
      const target = this.#goals?.target(state);
      if (target && versionOf(target) === request.version) {
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

  #subscribe(state: TypeState, { subscription, again }: Transition): void {
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
      const { message } = request.error;
      const { type } = state;
      const verdict = takeRejection(state, answered, message, {
        judge: this.#judge,
        rejections: this.#context.rejections,
        full: this.#transport.mode === "sotw" && type.fullState,
        isAccepted: ({ name, version }) => this.#context.isAccepted(this.#judge, type.typeUrl, name, version),
      });
      this.#context.events.emit("nack", { client, type, message, ...verdict });
      return true;
    }
    const now = this.#context.clock.now();
    count(this.#context.counters.acks, state.type.shortName);
    state.acked = restrict(answered.goal, state.subscription);
    if (!state.bisection) state.lastNack = undefined;
    if (state.type.refersToClusters) this.#goals?.referrerAccepted(now);
    this.#context.rejections.accept(this.#judge, answered.upserts);
    state.bisection?.accepted();
    this.#context.events.emit("ack", {
      client,
      type: state.type,
      resources: shownResources(state.type, answered.upserts),
      latency: now - answered.sentAt,
    });
    return true;
  }

  #withholdsSecrets(): boolean {
    return this.#transport.peer.transport === "plaintext" && !this.#context.plaintextSecrets;
  }

  /**
   * Sends the next response, if one is due: what is referred to before what refers to it, one response of a type at a time, the
   * newest state always.
   */
  pump(): void {
    const goals = this.#goals;
    if (this.#ended || this.#writing || !goals) return;
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    const now = this.#context.clock.now();
    const waits: number[] = [];
    // Envoy acknowledges clusters when all of them are warm (see its ClusterManagerImpl::updateClusterCounts).
    let clustersUntil = this.#state(CLUSTER_TYPE)?.outstanding[0]?.deadline ?? now;
    for (const state of this.#states) {
      const { type } = state;
      const answer = this.#answer(state, goals.goal(state, now, waits));
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

  #send(state: TypeState, answer: Answer, now: number): void {
    const { budget, writer, counters, events, timing } = this.#context;
    const { mode } = this.#transport;
    const client = this.#client;
    if (!client) return;
    const { names } = state.subscription;
    if (this.#transport.single && names.size > 0 && upsertsOf(answer).length === 0) {
      this.end(
        STATUS.notFound,
        `there is no ${state.type.shortName} resource named ${[...names].slice(0, 10).join(", ")}`,
      );
      return;
    }
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
    const resources = shownResources(state.type, upserts);
    events.emit("push", { client, type: state.type, bytes: response.bytes.length, resources, removed });
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
