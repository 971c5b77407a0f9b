import type { StringMatcher } from "../envoy.ts";
import type { HttpSubject } from "../subject.ts";
import type { Condition } from "./condition.ts";
import { stringTest } from "./string-test.ts";

/** Compiles a CookieMatcher: an absent cookie does not match, so inverted it does. */
export function cookieCondition(matcher: {
  name?: string;
  stringMatch?: StringMatcher;
  invertMatch?: boolean;
}): Condition {
  const { name = "", invertMatch = false } = matcher;
  const test = stringTest(matcher.stringMatch ?? {});
  return {
    matches: (subject) => {
      const value = cookieOf(subject, name);
      return (value !== undefined && test.matches(value)) !== invertMatch;
    },
    words: `cookie ${name} ${invertMatch ? `not (${test.words})` : test.words}`,
    found: (subject) => {
      const value = cookieOf(subject, name);
      return `cookie ${name} is ${value === undefined ? "absent" : JSON.stringify(value)}`;
    },
  };
}

/** The first cookie of this name. */
export function cookieOf({ headers }: HttpSubject, name: string): string | undefined {
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const equals = pair.indexOf("=");
    if (equals >= 0 && pair.slice(0, equals).trim() === name)
      return pair
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, "$1");
  }
  return undefined;
}
