import type { NodeJson } from "@fairlead/model";
import type { EncodedResource } from "../encoded-resource.ts";
import type { Peer } from "./peer.ts";

/**
 * All resources of one type that one node may see. Immutable. Equal content should be the same object: the server shares
 * differences and encoded responses between streams by identity.
 */
export interface ResourceSet {
  readonly resources: ReadonlyMap<string, EncodedResource>;
}

/** What one node sees. Reads are of the newest state; those of one turn of the event loop must fit together. */
export interface NodeResources {
  /** All resources of the type, for wildcard subscriptions and look-ups by name. `undefined`: the type is unknown here. */
  get(typeUrl: string): ResourceSet | undefined;
  /** Called by the server when the stream ends. */
  close(): void;
}

/** Where a discovery server takes resources from. */
export interface ResourceSource {
  /**
   * Called once a stream has sent its node. `changed` tells the server that something this node sees may have changed; it
   * then pulls (coalesced, never blocking the producer). To refuse a node, throw: the stream ends with `INVALID_ARGUMENT`
   * and the error's message.
   */
  open(node: NodeJson, peer: Peer, changed: () => void): NodeResources;
}
