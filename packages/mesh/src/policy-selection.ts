import type { ConfigObject, KindName } from "@fairlead/config";
import type { Reader } from "./derivation.ts";
import { rootNamespaceOf } from "./mesh-settings.ts";
import { namespaceAmong, nodeMatches } from "./visibility.ts";

interface Attached {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  readonly targetRef?: unknown;
  readonly targetRefs?: readonly unknown[];
}

/**
 * The objects of a policy kind that hold for the node: those of the root namespace, then those of its own, oldest first
 * in each, whose selector matches (or is absent). Objects with `targetRefs` attach to gateways and services by name
 * and are not among them.
 */
export function policiesOf<K extends KindName>(read: Reader, kind: K): readonly ConfigObject<K>[] {
  const namespaces = read.bucket("configNamespaces", kind) ?? [];
  if (namespaces.length === 0) return [];
  const root = rootNamespaceOf(read);
  const own = namespaceAmong(read, namespaces);
  const of = (namespace: string) => (read.bucket("config", `${kind}/${namespace}`) ?? []) as readonly ConfigObject<K>[];
  return [...of(root), ...(own === root ? [] : of(own))].filter((object) => {
    const spec = object.spec as Attached;
    if (spec.targetRef || (spec.targetRefs && spec.targetRefs.length > 0)) return false;
    return nodeMatches(read, spec.selector?.matchLabels ?? {});
  });
}
