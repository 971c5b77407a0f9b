import type { Labels } from "@fairlead/model";
import type { Infer } from "../../schema/message.ts";
import type { labelSelector } from "../kinds/names.ts";

type LabelSelector = Infer<typeof labelSelector>;

const NAME = "kubernetes.io/metadata.name";

/**
 * Whether a namespace's labels are selected; undefined where the selector has an operator that there is not. Every namespace
 * carries its name as a label. Source: Kubernetes `metav1.LabelSelector`.
 */
export function selectsNamespace(selector: LabelSelector, name: string, given: Labels): boolean | undefined {
  const labels: Labels = { ...given, [NAME]: name };
  let selected = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const value = labels[key];
    const holds = {
      In: () => value !== undefined && values.includes(value),
      NotIn: () => value === undefined || !values.includes(value),
      Exists: () => value !== undefined,
      DoesNotExist: () => value === undefined,
    }[operator];
    if (holds === undefined) return undefined;
    selected &&= holds();
  }
  return selected;
}

/** The namespaces that routes may come from, `*` for all, in order. Default: the gateway's own. */
export function allowedNamespaces(
  allowed: { readonly from?: "All" | "Selector" | "Same"; readonly selector?: LabelSelector } | undefined,
  own: string,
  namespaces: ReadonlyMap<string, Labels>,
): readonly string[] {
  const { from = "Same", selector } = allowed ?? {};
  if (from === "Same") return [own];
  if (from === "All" || selector === undefined) return ["*"];
  return [...namespaces]
    .filter(([name, labels]) => name !== "" && selectsNamespace(selector, name, labels))
    .map(([name]) => name)
    .sort();
}

/** Whether a ListenerSet of a namespace may add to a Gateway. Default: none may. */
export function allowsListenersFrom(
  allowed: { readonly from?: "All" | "Selector" | "Same" | "None"; readonly selector?: LabelSelector } | undefined,
  namespace: string,
  own: string,
  namespaces: ReadonlyMap<string, Labels>,
): boolean {
  const from = allowed?.from ?? (allowed ? "None" : undefined);
  if (from === "All") return true;
  if (from === "Same") return namespace === own;
  const labels = namespaces.get(namespace);
  if (from !== "Selector" || !allowed?.selector || !labels) return false;
  return selectsNamespace(allowed.selector, namespace, labels) ?? false;
}
