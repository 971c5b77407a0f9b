/** Kubernetes labels. */
export type Labels = Readonly<Record<string, string>>;

/** Whether `labels` carries every pair of `selector`. An empty selector matches everything. */
export function matchesLabels(selector: Labels, labels: Labels): boolean {
  for (const key in selector) if (labels[key] !== selector[key]) return false;
  return true;
}
