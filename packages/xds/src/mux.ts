import type { NodeResources, ResourceSource } from "./server/source.ts";

/**
 * Makes one source of several, each for types of its own: who watches services fills endpoints, who reads files the rest. `others`
 * answers for the types that are not listed; without it they are unknown. A source that refuses a node refuses it for all.
 */
export function createMuxSource(
  byTypeUrl: Readonly<Record<string, ResourceSource>>,
  others?: ResourceSource,
): ResourceSource {
  const listed = new Map(Object.entries(byTypeUrl));
  const sources = new Set([...listed.values(), ...(others ? [others] : [])]);
  return {
    open(node, peer, changed) {
      const open = new Map<ResourceSource, NodeResources>();
      const close = () => {
        for (const one of open.values()) one.close();
      };
      try {
        for (const source of sources) open.set(source, source.open(node, peer, changed));
      } catch (error) {
        close();
        throw error;
      }
      return {
        get(typeUrl) {
          const source = listed.get(typeUrl) ?? others;
          return source && open.get(source)?.get(typeUrl);
        },
        close,
      };
    },
  };
}
