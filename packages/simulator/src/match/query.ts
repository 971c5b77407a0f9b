import type { QueryParameterMatcher } from "../envoy.ts";
import type { HttpSubject } from "../subject.ts";
import type { Condition } from "./condition.ts";
import { stringTest } from "./string-test.ts";

/** Compiles a QueryParameterMatcher: of several parameters of one name the first counts; nothing is decoded. */
export function queryCondition(matcher: QueryParameterMatcher): Condition {
  const name = matcher.name ?? "";
  const found: Condition["found"] = (subject) => {
    const value = queryParameter(subject, name);
    return `query parameter ${name} is ${value === undefined ? "absent" : JSON.stringify(value)}`;
  };
  if (matcher.stringMatch === undefined) {
    const wanted = matcher.presentMatch ?? true;
    const words = `query parameter ${name} is ${wanted ? "present" : "absent"}`;
    return { matches: (subject) => (queryParameter(subject, name) !== undefined) === wanted, words, found };
  }
  const test = stringTest(matcher.stringMatch);
  return {
    matches: (subject) => {
      const value = queryParameter(subject, name);
      return value !== undefined && test.matches(value);
    },
    words: `query parameter ${name} ${test.words}`,
    found,
  };
}

function queryParameter({ path }: HttpSubject, name: string): string | undefined {
  const start = path.indexOf("?");
  if (start < 0) return undefined;
  for (const pair of path.slice(start + 1).split("&")) {
    const equals = pair.indexOf("=");
    if ((equals < 0 ? pair : pair.slice(0, equals)) === name) return equals < 0 ? "" : pair.slice(equals + 1);
  }
  return undefined;
}
