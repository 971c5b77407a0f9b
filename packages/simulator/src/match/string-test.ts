import type { StringMatcher } from "../envoy.ts";
import { fullMatch, regexOf } from "./regex.ts";

/** A compiled matcher of texts; `words` complete "the value …". */
export interface StringTest {
  readonly matches: (text: string) => boolean;
  readonly words: string;
}

/** Compiles a StringMatcher (envoy.type.matcher.v3). `ignoreCase` does not apply to regular expressions. */
export function stringTest(matcher: StringMatcher): StringTest {
  const { ignoreCase = false } = matcher;
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  const say = (verb: string, text: string) => `${verb} ${JSON.stringify(text)}${ignoreCase ? " (any case)" : ""}`;
  const of = (verb: string, wanted: string, test: (text: string, wanted: string) => boolean): StringTest => {
    const folded = fold(wanted);
    return { matches: (text) => test(fold(text), folded), words: say(verb, wanted) };
  };
  if (matcher.exact !== undefined) return of("is", matcher.exact, (text, wanted) => text === wanted);
  if (matcher.prefix !== undefined) return of("begins with", matcher.prefix, (text, wanted) => text.startsWith(wanted));
  if (matcher.suffix !== undefined) return of("ends with", matcher.suffix, (text, wanted) => text.endsWith(wanted));
  if (matcher.contains !== undefined) return of("contains", matcher.contains, (text, wanted) => text.includes(wanted));
  if (matcher.safeRegex !== undefined) {
    const text = matcher.safeRegex.regex ?? "";
    const regex = regexOf(text);
    return { matches: (value) => fullMatch(regex, value), words: `matches /${text}/` };
  }
  if (matcher.custom !== undefined)
    return { matches: () => false, words: `satisfies ${matcher.custom.name ?? "a custom matcher"} (not simulated)` };
  // An empty message has an unset oneof; protobuf JSON writes an empty exact value as this too.
  return of("is", "", (text, wanted) => text === wanted);
}
