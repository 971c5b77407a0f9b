/** Kubernetes labels. */
export type Labels = Readonly<Record<string, string>>;

/** Whether `labels` carries every pair of `selector`. An empty selector matches everything. */
export function matchesLabels(selector: Labels, labels: Labels): boolean {
  for (const key in selector) if (labels[key] !== selector[key]) return false;
  return true;
}

/**
 * Whether one of a selector's `matchExpressions` holds for the value that a label has (undefined: it is not there). An
 * operator that is not known holds for nothing. Source: Kubernetes API, `LabelSelectorRequirement`.
 */
export function labelExpressionHolds(operator: unknown, values: readonly string[], value: string | undefined): boolean {
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
}
