import { fullMatch, regexOf } from "./regex.ts";

/** No more texts of one part are followed than this. */
const MOST = 8;
const DIGITS = ["1", "0"];
const LETTERS = ["a", "Z", "_", "1"];
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  d: DIGITS,
  D: ["a", "-"],
  w: LETTERS,
  W: ["-", "/"],
  s: [" "],
  S: LETTERS,
};
/** What a class that excludes may be left with. */
const OTHERS = ["a", "1", "Z", "-", "_", "/", ".", " "];

/**
 * Texts that an RE2 expression matches as a whole: of each alternative and of each repetition the shortest ones. Each is checked;
 * none where nothing could be made (word boundaries, Unicode classes).
 */
export function regexExamples(pattern: string): readonly string[] {
  const regex = regexOf(pattern);
  const made = new Maker(pattern).alternatives();
  return [...new Set(made)].filter((text) => fullMatch(regex, text));
}

class Maker {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  alternatives(): readonly string[] {
    let found = [...this.#sequence()];
    while (this.#pattern[this.#at] === "|") {
      this.#at += 1;
      found = [...found, ...this.#sequence()];
    }
    return spread(found);
  }

  #sequence(): readonly string[] {
    let texts: readonly string[] = [""];
    while (this.#at < this.#pattern.length && !"|)".includes(this.#pattern[this.#at] ?? "")) {
      const part = this.#repeated(this.#atom());
      texts = spread(texts.flatMap((text) => part.map((next) => text + next)));
    }
    return texts;
  }

  #repeated(atom: readonly string[]): readonly string[] {
    const rest = this.#pattern.slice(this.#at);
    const [written, sign, least, comma, most] = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(rest) ?? [];
    if (written === undefined) return atom;
    this.#at += written.length;
    const from = sign === undefined ? Number(least) : sign === "+" ? 1 : 0;
    const to = sign === "?" ? 1 : sign !== undefined || comma ? Math.min(Number(most || from + 2), from + 2) : from;
    const counts = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    return spread(counts.flatMap((count) => (count === 0 ? [""] : atom.map((text) => text.repeat(count)))));
  }

  #atom(): readonly string[] {
    const letter = this.#pattern[this.#at++] ?? "";
    if (letter === ".") return ["w", "/"];
    if (letter === "^" || letter === "$") return [""];
    if (letter === "[") return this.#set();
    if (letter === "\\") return this.#escape();
    if (letter !== "(") return [letter];
    const head = /^\?(?:P?<[^>]*>|[imsU-]*(:|(?=\))))/.exec(this.#pattern.slice(this.#at));
    this.#at += head?.[0].length ?? 0;
    const inner = this.alternatives();
    this.#at += 1;
    return inner;
  }

  #escape(): readonly string[] {
    const letter = this.#pattern[this.#at++] ?? "";
    return /[bBAz]/.test(letter) ? [""] : (CLASSES[letter] ?? [letter]);
  }

  #set(): readonly string[] {
    const [written = "", body = ""] =
      /^(\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*)\]/s.exec(this.#pattern.slice(this.#at)) ?? [];
    this.#at += written.length;
    const test = regexOf(`[${body}]`);
    const own = [
      ...body
        .replace(/^\^/, "")
        .replace(/\[:\^?\w+:\]|\\[dDwWsS]/g, "")
        .replaceAll("\\", ""),
    ];
    return [...new Set([...own, ...OTHERS])].filter((text) => fullMatch(test, text)).slice(0, 3);
  }
}

/** The first and the last of many, and some between. */
function spread(texts: readonly string[]): readonly string[] {
  if (texts.length <= MOST) return texts;
  return Array.from({ length: MOST }, (_, index) => texts[Math.round((index * (texts.length - 1)) / (MOST - 1))] ?? "");
}
