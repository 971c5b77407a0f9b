import { structurallyEqual } from "@fairlead/model";

/** What is counted, logged and traced, and names that only people and dashboards read: no request fares otherwise for it. */
const TOLD_ONLY = new Set(["statPrefix", "altStatName", "accessLog", "decorator", "tracing", "statsPrefix"]);

/** Metadata that telemetry reads. */
const TELEMETRY = "istio";

/** A copy without what is only told, and without the fields that `drop` names. Field order counts for nothing. */
export function stripped(value: unknown, drop: ReadonlySet<string> = NOTHING): unknown {
  if (Array.isArray(value)) return value.map((one) => stripped(one));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).flatMap(([key, child]): [string, unknown][] => {
    if (child === undefined || TOLD_ONLY.has(key) || drop.has(key)) return [];
    if (key !== "filterMetadata") return [[key, stripped(child)]];
    const { [TELEMETRY]: _, ...rest } = child as Record<string, unknown>;
    return Object.keys(rest).length > 0 ? [[key, stripped(rest)]] : [];
  });
  // Metadata of which nothing is left is none.
  return Object.fromEntries(kept.filter(([key, child]) => key !== "metadata" || !structurallyEqual(child, {})));
}

const NOTHING: ReadonlySet<string> = new Set();

/** Texts in one order, for lists whose order says nothing. */
export function sortedByText<T>(values: readonly T[]): readonly T[] {
  return values
    .map((value) => ({ value, text: canonicalText(value) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ value }) => value);
}

/** JSON with sorted keys: equal texts are equal values. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, child: unknown) =>
    typeof child === "object" && child !== null && !Array.isArray(child)
      ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}
