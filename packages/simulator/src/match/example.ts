import type { HeaderMatcher, StringMatcher } from "../envoy.ts";
import { integer } from "../envoy.ts";
import { regexExamples } from "./regex-example.ts";

/** A text that a matcher takes; for an expression of which none could be made a guess: check it. */
export function exampleText({ exact, prefix, suffix, contains, safeRegex }: StringMatcher): string {
  return exact ?? prefix ?? suffix ?? contains ?? (regexExamples(safeRegex?.regex ?? "")[0] || "witness");
}

/**
 * Texts on both sides of a matcher's borders: those it just takes, and near ones that matchers which are a little wider or narrower
 * would tell apart.
 */
export function borderTexts(matcher: StringMatcher): readonly string[] {
  const { exact, prefix, suffix, contains, safeRegex } = matcher;
  if (safeRegex) {
    const taken = regexExamples(safeRegex.regex ?? "");
    return unique([...taken, ...taken.slice(0, 3).flatMap((text) => [`${text}x`, `x${text}`, swapCase(text)])]);
  }
  const text = exact ?? prefix ?? suffix ?? contains ?? "";
  return unique([text, `${text}x`, `x${text}`, `x${text}x`, text.slice(0, -1), swapCase(text)]);
}

/** As {@link borderTexts}, of a header's values. That it is missing is for the caller to try. */
export function borderValues(matcher: HeaderMatcher): readonly string[] {
  const { exactMatch, prefixMatch, suffixMatch, containsMatch, safeRegexMatch, rangeMatch } = matcher;
  if (matcher.stringMatch) return borderTexts(matcher.stringMatch);
  if (rangeMatch) {
    const [start, end] = [integer(rangeMatch.start), integer(rangeMatch.end)];
    return [start - 1, start, end - 1, end].map(String);
  }
  if (exactMatch !== undefined) return borderTexts({ exact: exactMatch });
  if (prefixMatch !== undefined) return borderTexts({ prefix: prefixMatch });
  if (suffixMatch !== undefined) return borderTexts({ suffix: suffixMatch });
  if (containsMatch !== undefined) return borderTexts({ contains: containsMatch });
  if (safeRegexMatch !== undefined) return borderTexts({ safeRegex: safeRegexMatch });
  return ["witness"];
}

const swapCase = (text: string) => (text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase());
const unique = (texts: readonly string[]) => [...new Set(texts)];
