import type { LabelSelector } from "@fairlead/config";
import { type Labels, matchesLabels } from "@fairlead/model";

/** Whether a selector picks the labels; one that asks for nothing picks all. Source: Kubernetes API, `LabelSelector`. */
export function labelSelectorPicks({ matchLabels, matchExpressions }: LabelSelector, labels: Labels): boolean {
  return (
    matchesLabels(matchLabels ?? {}, labels) &&
    (matchExpressions ?? []).every(({ key = "", operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case "In":
          return value !== undefined && values.includes(value);
        case "NotIn":
          return value === undefined || !values.includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
        default:
          return false;
      }
    })
  );
}

/** The labels of a namespace, with the one that every namespace of Kubernetes has. */
export function namespaceLabels(name: string, labels: Labels = {}): Labels {
  return { "kubernetes.io/metadata.name": name, ...labels };
}
