import { type Labels, selects } from "./selector.ts";

/** Items by their labels, so that a selector is not held against each of them. */
export class SelectorIndex<T> {
  readonly #all: readonly (readonly [T, Labels])[];
  readonly #byLabel = new Map<string, (readonly [T, Labels])[]>();

  constructor(items: Iterable<readonly [item: T, labels: Labels]>) {
    this.#all = [...items];
    for (const entry of this.#all)
      for (const [key, value] of Object.entries(entry[1])) {
        const label = `${key}=${value}`;
        const members = this.#byLabel.get(label);
        if (members) members.push(entry);
        else this.#byLabel.set(label, [entry]);
      }
  }

  /** Those that have all wanted labels; without any, all. */
  *selected(wanted: Labels): Iterable<T> {
    let candidates = this.#all;
    for (const [key, value] of Object.entries(wanted)) {
      const members = this.#byLabel.get(`${key}=${value}`) ?? [];
      if (members.length < candidates.length) candidates = members;
    }
    for (const [item, labels] of candidates) if (selects(wanted, labels)) yield item;
  }

  /** Whether anything has all wanted labels. */
  selectsAny(wanted: Labels): boolean {
    for (const _ of this.selected(wanted)) return true;
    return false;
  }
}
