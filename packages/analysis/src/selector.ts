import { labelExpressionHolds } from "@fairlead/model";
import { list, records, text, texts } from "./json.ts";

export type Labels = Readonly<Record<string, string>>;

/** Whether all wanted labels are there; an empty selector selects everything. */
export function selects(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** `a=b,c=d`, sorted by key: as Kubernetes writes a set of labels. */
export function formatSelector(selector: Labels): string {
  return Object.keys(selector)
    .sort()
    .map((key) => `${key}=${selector[key]}`)
    .join(",");
}

/** A Kubernetes LabelSelector with expressions; an absent one selects everything. */
export function selectsByExpressions(selector: unknown, labels: Labels): boolean {
  if (typeof selector !== "object" || selector === null) return true;
  const { matchLabels, matchExpressions } = selector as { matchLabels?: Labels; matchExpressions?: unknown };
  if (!selects(matchLabels ?? {}, labels)) return false;
  return records(list(matchExpressions)).every(({ key, operator, values }) =>
    labelExpressionHolds(operator, texts(values), labels[text(key)]),
  );
}
