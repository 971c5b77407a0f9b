import type { StringMatch } from "@fairlead/config";
import type { StringMatcher } from "../../proto/types.ts";

/** The matcher for a string match that says something; undefined for an empty one. */
export function stringMatcher(match: StringMatch): StringMatcher | undefined {
  if (match.exact !== undefined) return { exact: match.exact };
  if (match.prefix !== undefined) return { prefix: match.prefix };
  return match.regex === undefined ? undefined : { safeRegex: { regex: match.regex } };
}

/** Whether the match only asks for presence: it is empty, or the regular expression `*` (which is none). */
export function isPresenceMatch(match: StringMatch): boolean {
  return match.regex === "*" || (match.exact === undefined && match.prefix === undefined && match.regex === undefined);
}
