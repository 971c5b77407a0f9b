import { Backoff, type NodeJson } from "@fairlead/model";
import grpc from "@grpc/grpc-js";
import { encode } from "../proto/codec.ts";
import { XdsError } from "../xds-error.ts";
import { createDeltaSession, createSotwSession, type Session } from "./session.ts";
import type { ReceivedResource, Update } from "./update.ts";

export interface DiscoveryClientOptions {
  /** `127.0.0.1:15010` or `unix:/path`. */
  readonly address: string;
  /** Default: plaintext. */
  readonly credentials?: grpc.ChannelCredentials;
  readonly node: NodeJson;
  /** Default `delta`. */
  readonly mode?: "sotw" | "delta";
  /** Type URL to names; `*` for everything. More with `subscribe`. */
  readonly subscriptions?: Readonly<Record<string, readonly string[]>>;
  /** Judges a response: a text rejects it (NACK), nothing accepts it. May take its time; later responses wait. */
  readonly onResources: (update: Update) => string | undefined | Promise<string | undefined>;
  /** The stream ended; the client will try again. */
  readonly onDisconnect?: (error: Error) => void;
  /** Request headers of the stream, such as `authorization`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** First and longest delay before a new attempt. Default 100 and 10,000 ms. */
  readonly backoff?: { readonly first: number; readonly limit: number };
  /** Full method, where it is not the aggregated service. */
  readonly method?: string;
}

/** An xDS client that keeps its subscriptions over reconnects. The caller closes it. */
export interface DiscoveryClient {
  /** Adds names to a type's subscription. Names that are in it already are asked for again (delta). */
  subscribe(typeUrl: string, names: readonly string[]): void;
  unsubscribe(typeUrl: string, names: readonly string[]): void;
  /** What was accepted, by name. */
  resources(typeUrl: string): ReadonlyMap<string, ReceivedResource>;
  /** Cuts the stream; a new one is opened at once. */
  reconnect(): void;
  /** Whether a stream is open. */
  readonly connected: boolean;
  close(): void;
  [Symbol.dispose](): void;
}

const identity = (bytes: Buffer): Buffer => bytes;

/** Opens a stream and keeps it open: acknowledges what `onResources` accepts, rejects the rest, reconnects with what it has. */
export function createDiscoveryClient(options: DiscoveryClientOptions): DiscoveryClient {
  const mode = options.mode ?? "delta";
  const { first, limit } = options.backoff ?? { first: 100, limit: 10_000 };
  const backoff = new Backoff({ initial: first, max: limit });
  const channel = new grpc.Client(options.address, options.credentials ?? grpc.credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.keepalive_time_ms": 30_000,
  });
  const service = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
  const path = options.method ?? `${service}/${mode === "delta" ? "Delta" : "Stream"}AggregatedResources`;
  const requestType = `envoy.service.discovery.v3.${mode === "delta" ? "Delta" : ""}DiscoveryRequest`;
  let call: grpc.ClientDuplexStream<Buffer, Buffer> | undefined;
  let closed = false;
  let nodeSent = false;
  let timer: NodeJS.Timeout | undefined;
  /** Responses are judged one after the other. */
  let queue: Promise<void> = Promise.resolve();

  const send = (request: object) => {
    if (!call) return;
    const body = nodeSent ? request : { ...request, node: options.node };
    nodeSent = true;
    call.write(Buffer.from(encode(requestType, body)));
  };
  const session: Session = mode === "delta" ? createDeltaSession(send) : createSotwSession(send);

  const connect = () => {
    if (closed) return;
    const metadata = new grpc.Metadata();
    for (const [key, value] of Object.entries(options.metadata ?? {})) metadata.set(key, value);
    const stream = channel.makeBidiStreamRequest(path, identity, identity, metadata);
    call = stream;
    nodeSent = false;
    let ended = false;
    const end = (error: Error) => {
      if (ended) return;
      ended = true;
      if (call !== stream) return;
      call = undefined;
      if (closed) return;
      options.onDisconnect?.(error);
      timer = setTimeout(connect, backoff.next());
    };
    stream.on("data", (bytes: Buffer) => {
      backoff.reset();
      queue = queue.then(() => judge(stream, bytes)).catch((error) => void stream.destroy(error));
    });
    stream.on("error", end);
    stream.on("end", () => end(new XdsError("closed", "the server ended the stream")));
    session.open();
  };

  const judge = async (stream: typeof call, bytes: Buffer) => {
    if (call !== stream) return;
    const update = session.read(bytes);
    const error = await options.onResources(update);
    if (call === stream) session.answer(update, error);
  };

  for (const [typeUrl, names] of Object.entries(options.subscriptions ?? {})) session.subscribe(typeUrl, names);
  connect();

  const client: DiscoveryClient = {
    subscribe: (typeUrl, names) => session.subscribe(typeUrl, names),
    unsubscribe: (typeUrl, names) => session.unsubscribe(typeUrl, names),
    resources: (typeUrl) => session.resources(typeUrl),
    reconnect() {
      const old = call;
      call = undefined;
      old?.cancel();
      clearTimeout(timer);
      connect();
    },
    get connected() {
      return call !== undefined;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      call?.cancel();
      call = undefined;
      channel.close();
    },
    [Symbol.dispose]: () => client.close(),
  };
  return client;
}
