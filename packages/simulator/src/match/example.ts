import type { StringMatcher } from "../envoy.ts";

/** A text that a matcher takes, where one can be guessed: check it. */
export function exampleText({ exact, prefix, suffix, contains, safeRegex }: StringMatcher): string {
  return exact ?? prefix ?? suffix ?? contains ?? exampleOfRegex(safeRegex?.regex ?? "");
}

/** A guess at a text that an expression matches: its letters, alternatives cut to the first, repetitions to one. */
export function exampleOfRegex(regex: string): string {
  return regex
    .replace(/\(\?[imsU:]+/g, "(")
    .replace(/\(([^()|]*)\|[^()]*\)\??/g, "$1")
    .replace(/\[[^\]]*\][+*?]?/g, "1")
    .replace(/\\d[+*?]?/g, "1")
    .replace(/\.[+*]\??/g, "witness")
    .replace(/\\(.)/g, "$1")
    .replace(/[()^$?]/g, "");
}
