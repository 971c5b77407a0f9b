import { type ConfigObject, type ConfigStore, type KindName, refOf } from "@fairlead/config";
import type { Diagnostic, NodeJson, Unsubscribe } from "@fairlead/model";
import type { EncodedResource } from "../encoded-resource.ts";
import type { NodeResources, ResourceSet, ResourceSource } from "../server/source.ts";
import { encodeConfig, kindOfTypeUrl } from "./envelope.ts";

/** The configuration of a store as resources, one type a kind. Whoever made it closes it; the store stays open. */
export interface ConfigSource extends ResourceSource, Disposable {
  /** Objects that cannot be written as protobuf, and are not served: which and why. */
  diagnostics(): readonly Diagnostic[];
  close(): void;
}

/**
 * Serves a store as Istio's MCP does: type URLs `group/version/Kind`, state of the world in full, names `namespace/name`,
 * every object in an `istio.mcp.v1alpha1.Resource`. A kind that is not known has no objects, which is what istiod answers
 * too. Every node is shown everything: who may ask is the server's matter (`authorize`). Wait for the store's `ready` before
 * listening: an empty answer takes everything away.
 */
export function createConfigSource(store: ConfigStore): ConfigSource {
  const objects = new Map<KindName, Map<string, EncodedResource>>();
  const found = new Map<string, Diagnostic>();
  const sets = new Map<KindName, ResourceSet>();
  const listeners = new Set<() => void>();

  const put = (key: string, before: ConfigObject | undefined, after: ConfigObject | undefined): void => {
    found.delete(key);
    if (before) objects.get(before.kind)?.delete(nameOf(before));
    const kind = (after ?? before)?.kind;
    if (kind) sets.delete(kind);
    if (!after) return;
    try {
      const resources = objects.get(after.kind) ?? new Map<string, EncodedResource>();
      objects.set(after.kind, resources.set(nameOf(after), encodeConfig(after)));
    } catch (error) {
      found.set(key, {
        code: "encoding-failed",
        severity: "error",
        path: "spec",
        message: `cannot be written as protobuf, and is not given on: ${error instanceof Error ? error.message : error}`,
        object: refOf(after),
      });
    }
  };
  for (const key of store.keys()) put(key, undefined, store.get(key));
  const unsubscribe: Unsubscribe = store.subscribe((changes) => {
    for (const { key, previous, value } of changes) put(key, previous, value);
    for (const listener of [...listeners]) listener();
  });

  const setOf = (kind: KindName): ResourceSet => {
    const known = sets.get(kind);
    if (known) return known;
    // By name: two replicas send the same bytes, whatever they read first.
    const resources = [...(objects.get(kind) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    const made = { resources: new Map(resources) };
    sets.set(kind, made);
    return made;
  };

  const source: ConfigSource = {
    open(_node, _peer, changed): NodeResources {
      listeners.add(changed);
      return {
        get(typeUrl) {
          const asked = kindOfTypeUrl(typeUrl);
          return asked && setOf(asked.kind);
        },
        close: () => void listeners.delete(changed),
      };
    },
    diagnostics: () => [...found.values()],
    close: unsubscribe,
    [Symbol.dispose]: unsubscribe,
  };
  return source;
}

function nameOf({ metadata: { namespace, name } }: ConfigObject): string {
  return `${namespace}/${name}`;
}

/** Whether a node asks for configuration instead of Envoy's resources: it says so by `GENERATOR: api`, as istiod does. */
export function asksForConfig({ metadata }: NodeJson): boolean {
  return metadata?.GENERATOR === "api";
}
