import { complement, type Language, type Languages } from "./language.ts";

/** What one property of a request may be. */
export interface Values {
  /** Whether it may be missing. */
  readonly absent: boolean;
  readonly texts: Language;
  /** A text that all of `texts` begin with: tells most pairs apart at once. */
  readonly head?: string;
}

/**
 * A set of requests: the product of what its properties may be. A property that is not named may be anything. Properties:
 * `path`, `method`, `scheme`, `authority`, `port`, `gateway`, `namespace` (of the client), and by name `header …`,
 * `query …`, `label …` (of the client) and `claim …` (a condition as a whole: `1` where it holds).
 */
export type RequestSet = ReadonlyMap<string, Values>;

const CONTROL = [
  [0x00, 0x08],
  [0x0a, 0x1f],
  [0x7f, 0x7f],
] as const;

/** Sets of requests, compared exactly: texts are taken to be Unicode without control characters. */
export class RequestSets {
  readonly languages: Languages;
  readonly #universes = new Map<string, Values>();
  readonly #anything: Language;

  constructor(languages: Languages) {
    this.languages = languages;
    this.#anything = languages.many(languages.one(complement(CONTROL)));
  }

  /** All that a property can be at all. */
  universe(property: string): Values {
    const kind = property.split(" ", 1)[0] ?? "";
    const known = this.#universes.get(kind);
    if (known) return known;
    const made = { absent: ["header", "query", "label"].includes(kind), texts: this.#possible(kind) };
    this.#universes.set(kind, made);
    return made;
  }

  #possible(kind: string): Language {
    const { languages } = this;
    const visible = languages.one(
      complement([
        [0, 0x20],
        [0x7f, 0x7f],
      ]),
    );
    switch (kind) {
      case "path":
        return languages.follow(
          languages.text("/"),
          languages.many(
            languages.one(
              complement([
                [0, 0x20],
                [0x23, 0x23],
                [0x3f, 0x3f],
                [0x7f, 0x7f],
              ]),
            ),
          ),
        );
      case "method":
      case "authority":
      case "gateway":
      case "namespace":
        return languages.follow(visible, languages.many(visible));
      case "scheme":
        return languages.any(languages.text("http"), languages.text("https"));
      case "port":
        return this.#ports();
      case "claim":
        return languages.any(languages.text("0"), languages.text("1"));
      default:
        return this.#anything;
    }
  }

  #ports(): Language {
    const { languages } = this;
    const digit = languages.any(languages.emptyText, languages.one([[0x30, 0x39]]));
    const tail = languages.follow(digit, languages.follow(digit, languages.follow(digit, digit)));
    return languages.follow(languages.one([[0x31, 0x39]]), tail);
  }

  /** The set with one property narrowed further. */
  narrow(set: RequestSet, property: string, values: Values): RequestSet {
    return new Map(set).set(property, this.#both(this.#of(set, property), values));
  }

  /** The first property that nothing is left for; undefined when the set has requests. */
  emptyIn(set: RequestSet): string | undefined {
    for (const [property, values] of set) if (this.#isEmpty(values)) return property;
    return undefined;
  }

  intersection(a: RequestSet, b: RequestSet): RequestSet | undefined {
    if (this.#areApart(a, b)) return undefined;
    let both = a;
    for (const [property, values] of b) both = this.narrow(both, property, values);
    return this.emptyIn(both) === undefined ? both : undefined;
  }

  /** What is left of `set` without `taken`, in parts that have nothing in common. */
  without(set: RequestSet, taken: RequestSet): readonly RequestSet[] {
    if (this.#areApart(set, taken) || this.emptyIn(taken) !== undefined) return [set];
    const parts: RequestSet[] = [];
    let rest = set;
    for (const [property, values] of taken) {
      const own = this.#of(rest, property);
      const left: Values = {
        absent: own.absent && !values.absent,
        texts: this.languages.all(own.texts, this.languages.not(values.texts)),
        ...(own.head !== undefined && { head: own.head }),
      };
      if (!this.#isEmpty(left)) parts.push(new Map(rest).set(property, left));
      rest = this.narrow(rest, property, values);
    }
    return parts;
  }

  /** One value of a property: one of `wanted` if it may be, else a shortest one; undefined for a missing one. */
  example(set: RequestSet, property: string, wanted: readonly string[]): string | undefined {
    const { absent, texts } = this.#of(set, property);
    if (absent) return undefined;
    return wanted.find((text) => this.languages.includes(texts, text)) ?? this.languages.sample(texts);
  }

  has(set: RequestSet, property: string, value: string | undefined): boolean {
    const { absent, texts } = this.#of(set, property);
    return value === undefined ? absent : this.languages.includes(texts, value);
  }

  #of(set: RequestSet, property: string): Values {
    return set.get(property) ?? this.universe(property);
  }

  #both(a: Values, b: Values): Values {
    const head = (a.head ?? "").length >= (b.head ?? "").length ? a.head : b.head;
    const texts = this.languages.all(a.texts, b.texts);
    return { absent: a.absent && b.absent, texts, ...(head !== undefined && { head }) };
  }

  #isEmpty({ absent, texts }: Values): boolean {
    return !absent && this.languages.sample(texts) === undefined;
  }

  #areApart(a: RequestSet, b: RequestSet): boolean {
    const shared = [...b].flatMap(([property, values]) => {
      const own = a.get(property);
      return own ? [[own, values] as const] : [];
    });
    // The cheap question first, for all properties.
    if (shared.some(([one, other]) => !(one.absent && other.absent) && headsDiffer(one.head, other.head))) return true;
    return shared.some(([one, other]) => this.#isEmpty(this.#both(one, other)));
  }
}

function headsDiffer(a = "", b = ""): boolean {
  return !a.startsWith(b) && !b.startsWith(a);
}
