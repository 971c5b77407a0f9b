import type { Change, Collection } from "@fairlead/model";

/**
 * Several collections with distinct keys as one: the watched Services, Pods, EndpointSlices, Namespaces and Nodes of an
 * API server, for example. Ready when all of them are. It holds nothing of its own: who made the parts closes them.
 */
export function joinCollections<V>(parts: readonly Collection<V>[]): Collection<V> {
  const ready = Promise.all(parts.map((part) => part.ready)).then(() => undefined);
  // Whoever waits on it sees the failure; nobody has to.
  ready.catch(() => undefined);
  return {
    ready,
    get(key) {
      for (const part of parts) {
        const value = part.get(key);
        if (value !== undefined) return value;
      }
      return undefined;
    },
    *keys() {
      for (const part of parts) yield* part.keys();
    },
    *values() {
      for (const part of parts) yield* part.values();
    },
    subscribe(listener: (changes: readonly Change<V>[]) => void) {
      const subscriptions = parts.map((part) => part.subscribe(listener));
      return () => {
        for (const unsubscribe of subscriptions) unsubscribe();
      };
    },
  };
}
