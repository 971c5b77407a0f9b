import type { ObjectMeta } from "../../object.ts";

/** The oldest first; of equal age by namespace, then name. Times of unknown age count as the oldest. */
export function byAge(a: { readonly metadata: ObjectMeta }, b: { readonly metadata: ObjectMeta }): number {
  const time = ({ creationTimestamp }: ObjectMeta) => (creationTimestamp ? Date.parse(creationTimestamp) : 0);
  return (
    time(a.metadata) - time(b.metadata) ||
    compare(a.metadata.namespace, b.metadata.namespace) ||
    compare(a.metadata.name, b.metadata.name)
  );
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
