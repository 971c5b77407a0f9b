import { editDistance } from "@fairlead/model";

/** The names that are most like `wanted`, best first. */
export function nearest(wanted: string, names: Iterable<string>, most = 5): readonly string[] {
  return [...new Set(names)]
    .map((name) => ({ name, distance: distance(wanted, name) }))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name);
}

/** A name that begins with the other counts as close. */
function distance(a: string, b: string): number {
  return b.startsWith(a) || a.startsWith(b) ? 0.5 : editDistance(a, b);
}

/** ` Known: a, b; nearest: c` for messages. */
export function knownNames(wanted: string, names: Iterable<string>): string {
  const all = [...new Set(names)];
  if (all.length === 0) return "none is known";
  return `nearest of ${all.length} known: ${nearest(wanted, all).join(", ")}`;
}
