import type { LabelSelector } from "@fairlead/config";
import { type Labels, labelExpressionHolds, matchesLabels } from "@fairlead/model";

/** Whether a selector picks the labels; one that asks for nothing picks all. Source: Kubernetes API, `LabelSelector`. */
export function labelSelectorPicks({ matchLabels, matchExpressions }: LabelSelector, labels: Labels): boolean {
  return (
    matchesLabels(matchLabels ?? {}, labels) &&
    (matchExpressions ?? []).every(({ key = "", operator, values = [] }) =>
      labelExpressionHolds(operator, values, labels[key]),
    )
  );
}

/** The labels of a namespace, with the one that every namespace of Kubernetes has. */
export function namespaceLabels(name: string, labels: Labels = {}): Labels {
  return { "kubernetes.io/metadata.name": name, ...labels };
}
