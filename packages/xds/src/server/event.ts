import type { NodeJson, ObjectRef, Unsubscribe } from "@fairlead/model";
import type { EncodedResource } from "../encoded-resource.ts";
import type { ResourceType } from "../resource-type.ts";
import type { Peer } from "./peer.ts";

/** Who an event is about. `id` is unique to the stream. */
export interface Client {
  readonly id: number;
  readonly node: NodeJson;
  readonly peer: Peer;
  readonly mode: "sotw" | "delta";
}

/** A resource of a response. Events are what people log: of secrets the bytes are not there. */
export type SentResource = Omit<EncodedResource, "bytes"> & Partial<Pick<EncodedResource, "bytes">>;

/** The resources as events show them. */
export function shownResources(type: ResourceType, resources: readonly EncodedResource[]): readonly SentResource[] {
  return type.secret ? resources.map(({ bytes: _, ...shown }) => shown) : resources;
}

/** A resource that a client rejected, or may have. */
export interface RejectedResource {
  readonly name: string;
  readonly version: string;
  readonly sources: readonly ObjectRef[];
}

export interface NackEvent {
  readonly client: Client;
  readonly type: ResourceType;
  /** What the client said. */
  readonly message: string;
  readonly resources: readonly RejectedResource[];
  /**
   * How `resources` were found: `named` in the message, the `only` one of the response, by `bisection`, or `candidates`: any of
   * them may be at fault, and bisection has begun (a second event names the culprit).
   */
  readonly attribution: "named" | "only" | "bisection" | "candidates";
}

export interface ServerEvents {
  /** A stream has sent its node and was let in. */
  connect: { readonly client: Client };
  /** A stream ended. `client` is absent when it never got as far as `connect`. */
  disconnect: { readonly client: Client | undefined; readonly peer: Peer; readonly reason: string };
  /** A response was handed to the transport. */
  push: {
    readonly client: Client;
    readonly type: ResourceType;
    readonly bytes: number;
    readonly resources: readonly SentResource[];
    readonly removed: readonly string[];
  };
  /** A client accepted a response. `latency` is in milliseconds since it was handed to the transport. */
  ack: {
    readonly client: Client;
    readonly type: ResourceType;
    readonly resources: readonly SentResource[];
    readonly latency: number;
  };
  nack: NackEvent;
  /** A listener of one of the events above threw, or the source did, which ends the stream with `INTERNAL`. */
  error: { readonly error: unknown };
}

export type EventName = keyof ServerEvents;
export type Listener<Name extends EventName> = (event: ServerEvents[Name]) => void;

export interface Emitter {
  on<Name extends EventName>(name: Name, listener: Listener<Name>): Unsubscribe;
  emit<Name extends EventName>(name: Name, event: ServerEvents[Name]): void;
  /** Whether anybody listens. */
  has(name: EventName): boolean;
}

/** Calls listeners at once. One that throws hurts neither the stream nor other listeners: its error is the event `error`. */
export function createEmitter(): Emitter {
  const listeners = new Map<EventName, Set<(event: never) => void>>();
  const emit = <Name extends EventName>(name: Name, event: ServerEvents[Name]) => {
    for (const listener of [...(listeners.get(name) ?? [])]) {
      try {
        (listener as Listener<Name>)(event);
      } catch (error) {
        if (name !== "error") emit("error", { error });
      }
    }
  };
  return {
    on(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set);
      set.add(listener);
      return () => void set.delete(listener);
    },
    emit,
    has: (name) => (listeners.get(name)?.size ?? 0) > 0,
  };
}
