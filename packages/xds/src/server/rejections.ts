import type { EncodedResource } from "../encoded-resource.ts";

/** Who rejected or accepted: clients of one class run the same code, and judge the same bytes alike. */
export interface Judge {
  /** Client name and version, as `envoy/1.40.0`. */
  readonly class: string;
  /** The node's id. */
  readonly node: string;
}

/** A version that is kept from a client, and what was accepted before it, where something was. */
export interface Hold {
  readonly name: string;
  readonly version: string;
  readonly fallback: EncodedResource | undefined;
}

export const NO_HOLDS: readonly Hold[] = [];

/**
 * What was rejected, by type, name, content hash and client class. A client that rejected a version is not sent it again; where no
 * one of its class accepted it, nobody of the class is, newcomers included. In the memory of one process.
 */
export interface Rejections {
  /** `fallback` is what the client accepted before; `accepted` says whether another of the class holds the rejected version. */
  reject(judge: Judge, rejected: EncodedResource, fallback: EncodedResource | undefined, accepted: boolean): void;
  /** The client accepted these. */
  accept(judge: Judge, resources: readonly EncodedResource[]): void;
  /** What is kept from the client; the same object as long as nothing changes. */
  held(judge: Judge, typeUrl: string): readonly Hold[];
  /** Is called when something held from a class is held no longer. */
  onLift(listener: (className: string) => void): void;
  readonly size: number;
}

interface Rejection {
  readonly resource: EncodedResource;
  readonly fallback: EncodedResource | undefined;
  readonly nodes: Set<string>;
  accepted: boolean;
}

/** Beyond this, the oldest rejections of a class and type are forgotten. */
const LIMIT = 1000;

export function createRejections(): Rejections {
  const groups = new Map<string, Map<string, Rejection>>();
  const cache = new Map<string, Map<string, readonly Hold[]>>();
  const listeners: ((className: string) => void)[] = [];
  const groupKey = (judge: Judge, typeUrl: string) => `${judge.class} ${typeUrl}`;
  const key = ({ name, version }: EncodedResource) => `${version} ${name}`;

  return {
    reject(judge, rejected, fallback, accepted) {
      const group = groupKey(judge, rejected.typeUrl);
      const rejections = groups.get(group) ?? new Map<string, Rejection>();
      groups.set(group, rejections);
      const found = rejections.get(key(rejected)) ?? { resource: rejected, fallback, nodes: new Set(), accepted };
      found.nodes.add(judge.node);
      rejections.set(key(rejected), found);
      if (rejections.size > LIMIT) rejections.delete(rejections.keys().next().value ?? "");
      cache.delete(group);
    },
    accept(judge, resources) {
      const first = resources[0];
      const group = first && groupKey(judge, first.typeUrl);
      const rejections = group && groups.get(group);
      if (!rejections) return;
      let lifted = false;
      for (const resource of resources) {
        const found = rejections.get(key(resource));
        if (!found || found.accepted) continue;
        found.accepted = true;
        lifted = true;
      }
      if (!lifted) return;
      cache.delete(group);
      for (const listener of listeners) listener(judge.class);
    },
    held(judge, typeUrl) {
      const group = groupKey(judge, typeUrl);
      const rejections = groups.get(group);
      if (!rejections) return NO_HOLDS;
      const byNode = cache.get(group) ?? new Map<string, readonly Hold[]>();
      cache.set(group, byNode);
      const named = [...rejections.values()].some(({ nodes, accepted }) => accepted && nodes.has(judge.node));
      // All nodes without a rejection of their own share one object.
      const node = named ? judge.node : "";
      const found = byNode.get(node);
      if (found) return found;
      const holds = [...rejections.values()]
        .filter(({ nodes, accepted }) => !accepted || nodes.has(node))
        .map(({ resource: { name, version }, fallback }) => ({ name, version, fallback }));
      byNode.set(node, holds);
      return holds;
    },
    onLift: (listener) => void listeners.push(listener),
    get size() {
      let size = 0;
      for (const rejections of groups.values()) size += rejections.size;
      return size;
    },
  };
}
