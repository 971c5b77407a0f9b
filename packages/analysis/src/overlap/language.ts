// Sets of texts as regular expressions with intersection and complement, decided by derivatives.
// Sources: Brzozowski, "Derivatives of Regular Expressions" (1964); Owens, Reppy, Turon, "Regular-expression derivatives re-examined" (2009).

/** Inclusive ranges of code points, sorted and apart. */
export type Ranges = readonly (readonly [number, number])[];

/** A set of texts. Made by the functions here only: equal terms are one object. */
export interface Language {
  readonly id: number;
  readonly shape: Shape;
  /** Whether the empty text is in it. */
  readonly nullable: boolean;
}

type Shape =
  | { readonly type: "nothing" }
  | { readonly type: "empty" }
  | { readonly type: "one"; readonly ranges: Ranges }
  | { readonly type: "then"; readonly first: Language; readonly rest: Language }
  | { readonly type: "any"; readonly of: readonly Language[] }
  | { readonly type: "all"; readonly of: readonly Language[] }
  | { readonly type: "not"; readonly of: Language }
  | { readonly type: "many"; readonly of: Language };

const LAST = 0x10ffff;

/** What would take too long to decide is left undecided. */
export class Undecided extends Error {}

/** Terms of one analysis. Forgotten with it. */
export class Languages {
  readonly nothing: Language;
  readonly emptyText: Language;
  readonly everything: Language;
  readonly #terms = new Map<string, Language>();
  readonly #derivatives = new Map<string, Language>();
  readonly #samples = new Map<number, string | undefined>();
  readonly #firsts = new Map<number, readonly number[]>();
  readonly #limit: number;

  #budget: number;

  /** `limit`: states looked at for one question, at most; `budget`: for all questions together. */
  constructor(limit = 3000, budget = 500_000) {
    this.#limit = limit;
    this.#budget = budget;
    this.nothing = this.#term("0", { type: "nothing" }, false);
    this.emptyText = this.#term("1", { type: "empty" }, true);
    this.everything = this.not(this.nothing);
  }

  one(ranges: Ranges): Language {
    const tidy = normalise(ranges);
    return tidy.length === 0 ? this.nothing : this.#term(`c${tidy.join(";")}`, { type: "one", ranges: tidy }, false);
  }

  /** A text as it is; with `ignoreCase`, ASCII letters of either case. */
  text(text: string, ignoreCase = false): Language {
    return [...text].reduceRight((rest, letter) => {
      const both = ignoreCase && /[a-z]/i.test(letter) ? [letter.toLowerCase(), letter.toUpperCase()] : [letter];
      const ranges = both.map((one) => [one.codePointAt(0) ?? 0, one.codePointAt(0) ?? 0] as const);
      return this.follow(this.one(ranges), rest);
    }, this.emptyText);
  }

  follow(first: Language, rest: Language): Language {
    if (first === this.nothing || rest === this.nothing) return this.nothing;
    if (first === this.emptyText) return rest;
    if (rest === this.emptyText) return first;
    if (first.shape.type === "then") return this.follow(first.shape.first, this.follow(first.shape.rest, rest));
    return this.#term(`.${first.id},${rest.id}`, { type: "then", first, rest }, first.nullable && rest.nullable);
  }

  any(...given: readonly Language[]): Language {
    const flat = new Set(given.flatMap((one) => (one.shape.type === "any" ? one.shape.of : [one])));
    flat.delete(this.nothing);
    if (flat.has(this.everything)) return this.everything;
    const single = [...flat].filter(({ shape }) => shape.type === "one");
    if (single.length > 1) {
      for (const one of single) flat.delete(one);
      flat.add(this.one(single.flatMap(({ shape }) => (shape.type === "one" ? shape.ranges : []))));
    }
    const of = [...flat].sort((a, b) => a.id - b.id);
    const [only] = of;
    if (!only) return this.nothing;
    if (of.length === 1) return only;
    if (of.some((one) => flat.has(this.not(one)))) return this.everything;
    const nullable = of.some((one) => one.nullable);
    return this.#term(`|${of.map(({ id }) => id).join(",")}`, { type: "any", of }, nullable);
  }

  all(...given: readonly Language[]): Language {
    const flat = new Set(given.flatMap((one) => (one.shape.type === "all" ? one.shape.of : [one])));
    flat.delete(this.everything);
    if (flat.has(this.nothing)) return this.nothing;
    const of = [...flat].sort((a, b) => a.id - b.id);
    const [only] = of;
    if (!only) return this.everything;
    if (of.length === 1) return only;
    if (of.some((one) => one.shape.type === "not" && flat.has(one.shape.of))) return this.nothing;
    const nullable = of.every((one) => one.nullable);
    return this.#term(`&${of.map(({ id }) => id).join(",")}`, { type: "all", of }, nullable);
  }

  not(of: Language): Language {
    if (of.shape.type === "not") return of.shape.of;
    return this.#term(`!${of.id}`, { type: "not", of }, !of.nullable);
  }

  many(of: Language): Language {
    if (of === this.nothing || of === this.emptyText) return this.emptyText;
    if (of.shape.type === "many") return of;
    return this.#term(`*${of.id}`, { type: "many", of }, true);
  }

  includes(language: Language, text: string): boolean {
    let state = language;
    for (const letter of text) state = this.#derive(state, letter.codePointAt(0) ?? 0);
    return state.nullable;
  }

  /** A shortest text of the language, with plain letters where there is a choice; undefined when it has none. Throws {@link Undecided}. */
  sample(language: Language): string | undefined {
    if (this.#samples.has(language.id)) return this.#samples.get(language.id);
    const found = this.#search(language);
    this.#samples.set(language.id, found);
    return found;
  }

  #search(start: Language): string | undefined {
    const seen = new Set([start.id]);
    let front: (readonly [Language, string])[] = [[start, ""]];
    while (front.length > 0) {
      const next: (readonly [Language, string])[] = [];
      for (const [state, text] of front) {
        if (state.nullable) return text;
        for (const point of this.#letters(state)) {
          const derived = this.#derive(state, point);
          if (derived === this.nothing || seen.has(derived.id)) continue;
          seen.add(derived.id);
          if (seen.size > this.#limit || --this.#budget < 0) throw new Undecided("too many states");
          next.push([derived, text + String.fromCodePoint(point)]);
        }
      }
      front = next;
    }
    return undefined;
  }

  /** One code point of each class that the next step tells apart, the plainest first. */
  #letters(state: Language): readonly number[] {
    const known = this.#firsts.get(state.id);
    if (known) return known;
    const cuts = [...new Set([0, ...this.#cuts(state)])].filter((cut) => cut <= LAST).sort((a, b) => a - b);
    const letters = cuts.map((cut, index) => plainest(cut, (cuts[index + 1] ?? LAST + 1) - 1));
    letters.sort((a, b) => rank(a) - rank(b) || a - b);
    this.#firsts.set(state.id, letters);
    return letters;
  }

  #cuts({ shape }: Language): readonly number[] {
    switch (shape.type) {
      case "nothing":
      case "empty":
        return [];
      case "one":
        return shape.ranges.flatMap(([low, high]) => [low, high + 1]);
      case "then":
        return shape.first.nullable ? [...this.#cuts(shape.first), ...this.#cuts(shape.rest)] : this.#cuts(shape.first);
      case "any":
      case "all":
        return shape.of.flatMap((one) => this.#cuts(one));
      case "not":
      case "many":
        return this.#cuts(shape.of);
    }
  }

  /** What may follow the letter in texts that begin with it. */
  #derive(language: Language, point: number): Language {
    const key = `${language.id},${point}`;
    const known = this.#derivatives.get(key);
    if (known) return known;
    const made = this.#derivative(language, point);
    this.#derivatives.set(key, made);
    return made;
  }

  #derivative({ shape }: Language, point: number): Language {
    switch (shape.type) {
      case "nothing":
      case "empty":
        return this.nothing;
      case "one":
        return shape.ranges.some(([low, high]) => low <= point && point <= high) ? this.emptyText : this.nothing;
      case "then": {
        const within = this.follow(this.#derive(shape.first, point), shape.rest);
        return shape.first.nullable ? this.any(within, this.#derive(shape.rest, point)) : within;
      }
      case "any":
        return this.any(...shape.of.map((one) => this.#derive(one, point)));
      case "all":
        return this.all(...shape.of.map((one) => this.#derive(one, point)));
      case "not":
        return this.not(this.#derive(shape.of, point));
      case "many":
        return this.follow(this.#derive(shape.of, point), this.many(shape.of));
    }
  }

  #term(key: string, shape: Shape, nullable: boolean): Language {
    const known = this.#terms.get(key);
    if (known) return known;
    const made = { id: this.#terms.size, shape, nullable };
    this.#terms.set(key, made);
    return made;
  }
}

/** Sorted, with ranges that touch joined. */
function normalise(ranges: Ranges): Ranges {
  const made: [number, number][] = [];
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = made.at(-1);
    if (last && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else if (low <= high) made.push([low, high]);
  }
  return made;
}

/** The code points that are in none of the ranges. */
export function complement(ranges: Ranges): Ranges {
  const made: [number, number][] = [];
  let next = 0;
  for (const [low, high] of normalise(ranges)) {
    if (low > next) made.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= LAST) made.push([next, LAST]);
  return made;
}

/** Letters that a reader takes for an example, best first. */
const PLAIN: Ranges = [
  [0x61, 0x7a],
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x2f, 0x2f],
  [0x2d, 0x2e],
  [0x21, 0x7e],
];

function plainest(low: number, high: number): number {
  for (const [from, to] of PLAIN) if (from <= high && low <= to) return Math.max(low, from);
  return low;
}

function rank(point: number): number {
  const index = PLAIN.findIndex(([from, to]) => from <= point && point <= to);
  return index < 0 ? PLAIN.length : index;
}
