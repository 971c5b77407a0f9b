import { type Diagnostic, formatObject } from "@fairlead/model";

const ORDER = { error: 0, warning: 1, info: 2 } as const;
const SEPARATOR = "\u0000";

interface Entry {
  readonly finding: Diagnostic;
  count: number;
}

/** What an update brought and what it took away, each sorted as in the whole list. */
export interface FindingChange {
  readonly added: readonly Diagnostic[];
  readonly removed: readonly Diagnostic[];
}

/** Findings, sorted: the gravest first, then by code, object and field. The same thing is said once of a place. */
export class FindingList {
  readonly #entries = new Map<string, Entry>();
  #keys: readonly string[] = [];

  get all(): readonly Diagnostic[] {
    return this.#keys.map((key) => this.#finding(key));
  }

  /** Takes lists away and puts others in their place. */
  exchange(before: Iterable<Diagnostic>, after: Iterable<Diagnostic>): FindingChange {
    const old = new Map<string, Diagnostic>();
    for (const finding of before) {
      const key = keyOf(finding);
      const entry = this.#entries.get(key);
      if (!entry) continue;
      if (!old.has(key)) old.set(key, entry.finding);
      if (--entry.count === 0) this.#entries.delete(key);
    }
    const come: string[] = [];
    for (const finding of after) {
      const key = keyOf(finding);
      const entry = this.#entries.get(key);
      if (entry) entry.count++;
      else {
        this.#entries.set(key, { finding, count: 1 });
        if (!old.delete(key)) come.push(key);
      }
    }
    const gone = [...old].filter(([key]) => !this.#entries.has(key));
    const goneKeys = new Set(gone.map(([key]) => key));
    const stay = goneKeys.size === 0 ? this.#keys : this.#keys.filter((key) => !goneKeys.has(key));
    come.sort();
    this.#keys = come.length === 0 ? stay : merged(stay, come);
    return {
      added: come.map((key) => this.#finding(key)),
      removed: gone.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, finding]) => finding),
    };
  }

  #finding(key: string): Diagnostic {
    return (this.#entries.get(key) as Entry).finding;
  }
}

/** Two sorted lists as one. */
function merged(a: readonly string[], b: readonly string[]): readonly string[] {
  const all: string[] = [];
  let next = 0;
  for (const key of a) {
    for (let other = b[next]; other !== undefined && other < key; other = b[next]) {
      all.push(other);
      next++;
    }
    all.push(key);
  }
  return [...all, ...b.slice(next)];
}

function keyOf({ severity, code, object, path, message, position }: Diagnostic): string {
  const place = position ? `${position.file}:${position.line}:${position.column}` : "";
  return [ORDER[severity], code, object ? formatObject(object) : "", path, message, place].join(SEPARATOR);
}
