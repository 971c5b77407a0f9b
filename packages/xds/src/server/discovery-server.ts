import { STATUS } from "@fairlead/grpc";
import type { Unsubscribe } from "@fairlead/model";
import { createBudget } from "./budget.ts";
import { type ClientStatus, statusOf } from "./client-status.ts";
import { type Clock, systemClock } from "./clock.ts";
import { createEmitter, type EventName, type Listener, type SentResource } from "./event.ts";
import type { Timing } from "./goals.ts";
import { listenDiscovery } from "./grpc.ts";
import { type Holding, holdingsOf } from "./holding.ts";
import type { Authorize, Listening, ListenOptions } from "./listen-options.ts";
import { createCounters, type ServerMetrics } from "./metrics.ts";
import { createRejections } from "./rejections.ts";
import { createResponseWriter } from "./response.ts";
import type { ResourceSource } from "./source.ts";
import { DiscoveryStream, type StreamContext } from "./stream.ts";
import { createStreamRate } from "./stream-rate.ts";
import type { Transport } from "./transport.ts";

export interface DiscoveryServerOptions {
  /** Default: everybody is let in. */
  readonly authorize?: Authorize;
  /** Name of this control plane in responses. Default `fairlead`. */
  readonly identifier?: string;
  readonly timing?: Partial<Timing>;
  /** Largest request, in bytes. Default 4 MiB. */
  readonly maxRequestBytes?: number;
  /**
   * New streams in a second. More wait for their turn, up to a second, and are then sent away with `UNAVAILABLE`, to come
   * back later or to another replica. Default: no bound.
   */
  readonly maxStreamsPerSecond?: number;
  /** Streams at a time. Default 20,000. */
  readonly maxStreams?: number;
  /** Bytes of responses handed to the transport and not yet taken by it. Default 32 MiB. */
  readonly maxBytesInFlight?: number;
  /** Responses in that state. Default 256. */
  readonly maxPushesInFlight?: number;
  /** A response that is not taken in this time no longer counts against other streams. Default 2,000 ms. */
  readonly stalledAfter?: number;
  /** Encoded responses kept for the next stream that needs the same. Default 64 MiB. */
  readonly maxCachedBytes?: number;
  /** Streams end after this time, with some jitter, so that clients spread over replicas. Default: never. Milliseconds. */
  readonly maxConnectionAge?: number;
  readonly clock?: Clock;
}

export interface DiscoveryServer {
  /** Serves on one more address. */
  listen(options: ListenOptions): Promise<Listening>;
  on<Name extends EventName>(name: Name, listener: Listener<Name>): Unsubscribe;
  /** All clients that were let in, with what they have. */
  clients(): readonly ClientStatus[];
  /** What each client has, and is meant to have, of the resources that are wanted. */
  holdings(isWanted: (resource: SentResource) => boolean): readonly Holding[];
  metrics(): ServerMetrics;
  /** Opens a stream of another transport. The caller hands its requests to `receive` and says `close` when it is gone. */
  accept(transport: Transport): Pick<DiscoveryStream, "receive" | "close">;
  /** Ends all streams with `UNAVAILABLE` and stops listening. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const TIMING: Timing = { ackTimeout: 5_000, drain: 2_000, removalTimeout: 30_000 };

/** Streams are worked on for this long before the event loop has its turn. Milliseconds. */
const SLICE = 8;

/**
 * An xDS server (aggregated, per type and SDS; state of the world and delta) for whatever resources a source has. It opens no
 * port by itself: call `listen`. The caller closes it.
 */
export function createDiscoveryServer(source: ResourceSource, options: DiscoveryServerOptions = {}): DiscoveryServer {
  const clock = options.clock ?? systemClock;
  const events = createEmitter();
  const counters = createCounters();
  const rejections = createRejections();
  const writer = createResponseWriter(options.identifier ?? "fairlead", options.maxCachedBytes ?? 64 << 20);
  const budget = createBudget(
    {
      maxBytes: options.maxBytesInFlight ?? 32 << 20,
      maxPushes: options.maxPushesInFlight ?? 256,
      stalledAfter: options.stalledAfter ?? 2_000,
    },
    clock,
  );
  const streams = new Set<DiscoveryStream>();
  const due = new Set<DiscoveryStream>();
  const listening = new Set<Listening>();
  let scheduled: NodeJS.Immediate | undefined;
  let lastId = 0;
  let closed = false;

  const work = () => {
    scheduled = undefined;
    const end = performance.now() + SLICE;
    for (const stream of due) {
      due.delete(stream);
      try {
        stream.pump();
      } catch (error) {
        // The source failed for this node; other streams go on.
        events.emit("error", { error });
        stream.end(STATUS.internal, error instanceof Error ? error.message : String(error));
      }
      if (performance.now() > end) break;
    }
    if (due.size > 0) scheduled ??= setImmediate(work);
  };
  const enqueue = (stream: DiscoveryStream) => {
    due.add(stream);
    scheduled ??= setImmediate(work);
  };

  rejections.onLift((className) => {
    for (const stream of streams) if (stream.judge.class === className) enqueue(stream);
  });

  const context: StreamContext = {
    source,
    authorize: options.authorize ?? (() => undefined),
    rate: createStreamRate(options.maxStreamsPerSecond, clock),
    clock,
    timing: { ...TIMING, ...options.timing },
    budget,
    writer,
    rejections,
    events,
    counters,
    plaintextSecrets: false,
    enqueue,
    opened: () => undefined,
    ended(stream) {
      streams.delete(stream);
      due.delete(stream);
    },
    isAccepted(judge, typeUrl, name, version) {
      for (const { judge: other, states } of streams) {
        if (other.class !== judge.class || other.node === judge.node) continue;
        const state = states.find(({ type }) => type.typeUrl === typeUrl);
        if (state?.acked?.entries.get(name)?.version === version) return true;
      }
      return false;
    },
  };

  const accept = (transport: Transport, own: StreamContext = context): Pick<DiscoveryStream, "receive" | "close"> => {
    const stream = new DiscoveryStream(own, transport, ++lastId);
    counters.streamsOpened++;
    if (closed || streams.size >= (options.maxStreams ?? 20_000)) {
      counters.streamsRefused++;
      if (closed) stream.end(STATUS.unavailable, "the server is shutting down");
      else stream.end(STATUS.resourceExhausted, "too many streams");
    } else {
      streams.add(stream);
      own.opened(stream);
    }
    return stream;
  };

  const server: DiscoveryServer = {
    async listen(listenOptions) {
      const own = new Set<DiscoveryStream>();
      const ownContext: StreamContext = {
        ...context,
        authorize: listenOptions.authorize ?? context.authorize,
        plaintextSecrets: listenOptions.insecure === true,
        opened: (stream) => void own.add(stream),
        ended(stream) {
          own.delete(stream);
          context.ended(stream);
        },
      };
      const bound = await listenDiscovery(listenOptions, {
        accept: (transport) => accept(transport, ownContext),
        maxRequestBytes: options.maxRequestBytes ?? 4 << 20,
        maxConnectionAge: options.maxConnectionAge,
        onError: (error) => events.emit("error", { error }),
      });
      const listener: Listening = {
        ...bound,
        async close() {
          listening.delete(listener);
          for (const stream of [...own]) stream.end(STATUS.unavailable, "the server no longer listens here");
          await bound.close();
        },
      };
      listening.add(listener);
      return listener;
    },
    on: (name, listener) => events.on(name, listener),
    clients: () => [...streams].flatMap((stream) => statusOf(stream) ?? []),
    holdings: (isWanted) => [...streams].flatMap((stream) => [...holdingsOf(stream, isWanted)]),
    metrics: () => ({
      ...structuredClone(counters),
      streams: streams.size,
      bytesInFlight: budget.bytesInFlight,
      bytesStalled: budget.stalledBytes,
      streamsWaiting: budget.waiting,
      bytesCached: writer.cachedBytes,
      rejectedVersions: rejections.size,
    }),
    accept: (transport) => accept(transport),
    async close() {
      closed = true;
      for (const stream of [...streams]) stream.end(STATUS.unavailable, "the server is shutting down");
      await Promise.all([...listening].map((one) => one.close()));
      listening.clear();
      if (scheduled) clearImmediate(scheduled);
      scheduled = undefined;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
  return server;
}
