/** The names that are most like `wanted`, best first. */
export function nearest(wanted: string, names: Iterable<string>, most = 5): readonly string[] {
  return [...new Set(names)]
    .map((name) => ({ name, distance: distance(wanted, name) }))
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name);
}

/** Levenshtein distance; a name that begins with the other counts as close. */
function distance(a: string, b: string): number {
  if (b.startsWith(a) || a.startsWith(b)) return 0.5;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** ` Known: a, b; nearest: c` for messages. */
export function knownNames(wanted: string, names: Iterable<string>): string {
  const all = [...new Set(names)];
  if (all.length === 0) return "none is known";
  return `nearest of ${all.length} known: ${nearest(wanted, all).join(", ")}`;
}
