import type { HeaderMatcher } from "../envoy.ts";
import { integer } from "../envoy.ts";
import type { Condition } from "./condition.ts";
import { type StringTest, stringTest } from "./string-test.ts";

/** Compiles a HeaderMatcher (envoy.config.route.v3). Several values of a header count as one, joined by commas. */
export function headerCondition(matcher: HeaderMatcher): Condition {
  const name = headerKey(matcher.name ?? "");
  const invert = matcher.invertMatch ?? false;
  const found: Condition["found"] = ({ headers }) => {
    const value = headers.get(name);
    return value === undefined ? `${name} is absent` : `${name} is ${JSON.stringify(value)}`;
  };
  const test = valueTest(matcher);
  if (test === undefined) {
    const wanted = (matcher.presentMatch ?? true) !== invert;
    // A missing header that counts as empty counts as present.
    const always = matcher.treatMissingHeaderAsEmpty ?? false;
    return {
      matches: ({ headers }) => (always || headers.has(name)) === wanted,
      words: `${name} is ${wanted ? "present" : "absent"}`,
      found,
    };
  }
  const missing = matcher.treatMissingHeaderAsEmpty ? "" : undefined;
  return {
    matches: ({ headers }) => {
      const value = headers.get(name) ?? missing;
      return value !== undefined && test.matches(value) !== invert;
    },
    words: `${name} ${invert ? `not (${test.words})` : test.words}`,
    found,
  };
}

/** Headers are looked up in lower case; `host` is the authority. */
export function headerKey(name: string): string {
  const key = name.toLowerCase();
  return key === "host" ? ":authority" : key;
}

function valueTest(matcher: HeaderMatcher): StringTest | undefined {
  if (matcher.stringMatch !== undefined) return stringTest(matcher.stringMatch);
  if (matcher.exactMatch !== undefined) return stringTest({ exact: matcher.exactMatch });
  if (matcher.prefixMatch !== undefined) return stringTest({ prefix: matcher.prefixMatch });
  if (matcher.suffixMatch !== undefined) return stringTest({ suffix: matcher.suffixMatch });
  if (matcher.containsMatch !== undefined) return stringTest({ contains: matcher.containsMatch });
  if (matcher.safeRegexMatch !== undefined) return stringTest({ safeRegex: matcher.safeRegexMatch });
  if (matcher.rangeMatch !== undefined) {
    const start = integer(matcher.rangeMatch.start);
    const end = integer(matcher.rangeMatch.end);
    const matches = (text: string) => /^[-+]?\d+$/.test(text) && Number(text) >= start && Number(text) < end;
    return { matches, words: `is a number from ${start} to below ${end}` };
  }
  return undefined;
}
