import type { ConfigObject, KindName } from "@fairlead/config";
import type { Reader } from "./derivation.ts";
import { rootNamespaceOf } from "./mesh-settings.ts";
import { namespaceAmong, nodeMatches } from "./visibility.ts";

interface TargetRef {
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

interface Attached {
  readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  /** An EnvoyFilter's word for it. */
  readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> };
  readonly targetRef?: TargetRef;
  readonly targetRefs?: readonly TargetRef[];
}

/** The label by which the proxies of a Gateway of the Gateway API know it. */
const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/**
 * The objects of a policy kind that hold for the node: those of the root namespace, then those of its own, oldest first
 * in each, whose selector matches (or is absent). Objects with `targetRefs` hold for the Gateways of their namespace that
 * these name, and for nothing else.
 */
export function policiesOf<K extends KindName>(read: Reader, kind: K): readonly ConfigObject<K>[] {
  const namespaces = read.bucket("configNamespaces", kind) ?? [];
  if (namespaces.length === 0) return [];
  const root = rootNamespaceOf(read);
  const own = namespaceAmong(read, namespaces);
  const of = (namespace: string) => (read.bucket("config", `${kind}/${namespace}`) ?? []) as readonly ConfigObject<K>[];
  return [...of(root), ...(own === root ? [] : of(own))].filter((object) => {
    const spec = object.spec as Attached;
    const targets = [...(spec.targetRef ? [spec.targetRef] : []), ...(spec.targetRefs ?? [])];
    if (targets.length > 0) return targets.some((target) => isTarget(read, target, object.metadata.namespace));
    return nodeMatches(read, spec.selector?.matchLabels ?? spec.workloadSelector?.labels ?? {});
  });
}

/** Whether the node is a proxy of the Gateway that an object of `namespace` names. */
function isTarget(read: Reader, { group, kind, name, namespace: stated }: TargetRef, namespace: string): boolean {
  return (
    kind === "Gateway" &&
    group === "gateway.networking.k8s.io" &&
    (!stated || stated === namespace) &&
    nodeMatches(read, { [GATEWAY_NAME]: name }) &&
    namespaceAmong(read, [namespace]) === namespace
  );
}
