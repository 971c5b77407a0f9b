// RE2 syntax, as far as it describes plain sets of texts. Source: RE2, syntax.
import { complement, type Language, type Languages, type Ranges, Undecided } from "./language.ts";

const DIGIT: Ranges = [[0x30, 0x39]];
const WORD: Ranges = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const SPACE: Ranges = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x20],
];
const CLASSES: Readonly<Record<string, Ranges>> = {
  d: DIGIT,
  D: complement(DIGIT),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const NAMED: Readonly<Record<string, Ranges>> = {
  alnum: [
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x61, 0x7a],
  ],
  alpha: [
    [0x41, 0x5a],
    [0x61, 0x7a],
  ],
  digit: DIGIT,
  lower: [[0x61, 0x7a]],
  upper: [[0x41, 0x5a]],
  word: WORD,
  xdigit: [
    [0x30, 0x39],
    [0x41, 0x46],
    [0x61, 0x66],
  ],
};
const ESCAPES: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7 };
/** Repetitions are written out; more than this becomes too large to compare. */
const MOST = 200;

/**
 * The texts that the whole expression matches. Throws {@link Undecided} for what is beyond plain sets: word boundaries,
 * anchors inside, Unicode classes, flags in the middle.
 */
export function expression(languages: Languages, pattern: string): Language {
  return new Reader(languages, pattern).read();
}

class Reader {
  readonly #languages: Languages;
  readonly #letters: readonly string[];
  #at = 0;
  #ignoreCase = false;
  #dotAll = false;

  constructor(languages: Languages, pattern: string) {
    this.#languages = languages;
    let rest = pattern;
    const flags = /^\(\?([is]+)\)/.exec(rest);
    if (flags) {
      this.#ignoreCase = flags[1]?.includes("i") ?? false;
      this.#dotAll = flags[1]?.includes("s") ?? false;
      rest = rest.slice(flags[0].length);
    }
    this.#letters = [...rest];
  }

  read(): Language {
    const language = this.#alternatives();
    if (this.#at < this.#letters.length) throw new Undecided("an unopened group");
    return language;
  }

  #peek(): string | undefined {
    return this.#letters[this.#at];
  }

  #take(letter: string): boolean {
    if (this.#peek() !== letter) return false;
    this.#at++;
    return true;
  }

  #alternatives(): Language {
    const branches = [this.#sequence()];
    while (this.#take("|")) branches.push(this.#sequence());
    return this.#languages.any(...branches);
  }

  #sequence(): Language {
    const parts: Language[] = [];
    for (let letter = this.#peek(); letter !== undefined && letter !== "|" && letter !== ")"; letter = this.#peek()) {
      // The whole text is matched anyway: at the ends of the expression an anchor says nothing new.
      if (letter === "^" && this.#at === 0) this.#at++;
      else if (letter === "$" && this.#at === this.#letters.length - 1) this.#at++;
      else if (letter === "^" || letter === "$") throw new Undecided("an anchor inside");
      else parts.push(this.#repeated());
    }
    return parts.reduceRight((rest, part) => this.#languages.follow(part, rest), this.#languages.emptyText);
  }

  #repeated(): Language {
    let part = this.#atom();
    for (;;) {
      const [least, most] = this.#quantifier() ?? [];
      if (least === undefined) return part;
      // Greedy or not matters to what groups hold, not to what matches.
      this.#take("?");
      part = this.#times(part, least, most);
    }
  }

  #quantifier(): readonly [number, number | undefined] | undefined {
    if (this.#take("*")) return [0, undefined];
    if (this.#take("+")) return [1, undefined];
    if (this.#take("?")) return [0, 1];
    if (this.#peek() !== "{") return undefined;
    const counted = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#letters.slice(this.#at, this.#at + 12).join(""));
    if (!counted) return undefined;
    this.#at += counted[0].length;
    const least = Number(counted[1]);
    return [least, counted[2] === undefined ? least : counted[3] ? Number(counted[3]) : undefined];
  }

  #times(part: Language, least: number, most: number | undefined): Language {
    if (Math.max(least, most ?? 0) > MOST) throw new Undecided("a long repetition");
    const languages = this.#languages;
    let made = most === undefined ? languages.many(part) : languages.emptyText;
    for (let count = least; count < (most ?? least); count++)
      made = languages.any(languages.emptyText, languages.follow(part, made));
    for (let count = 0; count < least; count++) made = languages.follow(part, made);
    return made;
  }

  #atom(): Language {
    const letter = this.#letters[this.#at++];
    if (letter === "(") return this.#group();
    if (letter === "[") return this.#class();
    if (letter === ".") return this.#languages.one(this.#dotAll ? complement([]) : complement([[10, 10]]));
    if (letter === "\\") return this.#languages.one(this.#cased(this.#escape()));
    if (letter === undefined || "*+?".includes(letter)) throw new Undecided("nothing to repeat");
    return this.#languages.one(this.#cased(pointOf(letter)));
  }

  #group(): Language {
    if (this.#take("?")) {
      const head = /^(:|P?<\w+>)/.exec(this.#letters.slice(this.#at, this.#at + 80).join(""));
      if (!head) throw new Undecided("flags inside");
      this.#at += head[0].length;
    }
    const language = this.#alternatives();
    if (!this.#take(")")) throw new Undecided("an unclosed group");
    return language;
  }

  #escape(): Ranges {
    const letter = this.#letters[this.#at++];
    if (letter === undefined) throw new Undecided("a lone backslash");
    const known = CLASSES[letter];
    if (known) return known;
    const control = ESCAPES[letter];
    if (control !== undefined) return [[control, control]];
    if (letter === "x") return this.#hex();
    if (/[A-Za-z0-9]/.test(letter)) throw new Undecided(`\\${letter}`);
    return pointOf(letter);
  }

  #hex(): Ranges {
    const hex = /^([\da-fA-F]{2}|\{[\da-fA-F]{1,6}\})/.exec(this.#letters.slice(this.#at, this.#at + 8).join(""));
    if (!hex) throw new Undecided("\\x");
    this.#at += hex[0].length;
    const point = Number.parseInt(hex[0].replace(/[{}]/g, ""), 16);
    return [[point, point]];
  }

  #class(): Language {
    const negated = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    for (let first = true; first || this.#peek() !== "]"; first = false) {
      if (this.#peek() === undefined) throw new Undecided("an unclosed class");
      const low = this.#classPart();
      const single = low.length === 1 && low[0]?.[0] === low[0]?.[1];
      if (single && this.#peek() === "-" && this.#letters[this.#at + 1] !== "]") {
        this.#at++;
        const high = this.#classPart();
        ranges.push([low[0]?.[0] ?? 0, high[0]?.[0] ?? 0]);
      } else ranges.push(...low);
    }
    this.#at++;
    const cased = this.#cased(ranges);
    return this.#languages.one(negated ? complement(cased) : cased);
  }

  #classPart(): Ranges {
    const named = /^\[:(\^?)(\w+):\]/.exec(this.#letters.slice(this.#at, this.#at + 14).join(""));
    if (named) {
      this.#at += named[0].length;
      const ranges = NAMED[named[2] ?? ""];
      if (!ranges) throw new Undecided(named[0]);
      return named[1] ? complement(ranges) : ranges;
    }
    const letter = this.#letters[this.#at++];
    return letter === "\\" ? this.#escape() : pointOf(letter ?? "");
  }

  /** Case folding beyond ASCII is left undecided. */
  #cased(ranges: Ranges): Ranges {
    if (!this.#ignoreCase) return ranges;
    if (ranges.some(([, high]) => high > 0x7f)) throw new Undecided("letters of either case beyond ASCII");
    const shifted = (from: number, to: number, by: number) =>
      ranges.flatMap(([low, high]) => {
        const [start, end] = [Math.max(low, from), Math.min(high, to)];
        return start <= end ? [[start + by, end + by] as const] : [];
      });
    const cased: Ranges = [...ranges, ...shifted(0x41, 0x5a, 0x20), ...shifted(0x61, 0x7a, -0x20)];
    // Unicode folds the Kelvin sign and the long s to letters of ASCII.
    const has = (point: number) => cased.some(([low, high]) => low <= point && point <= high);
    return [...cased, ...(has(0x6b) ? pointOf("\u212a") : []), ...(has(0x73) ? pointOf("\u017f") : [])];
  }
}

function pointOf(letter: string): Ranges {
  const point = letter.codePointAt(0) ?? 0;
  return [[point, point]];
}
