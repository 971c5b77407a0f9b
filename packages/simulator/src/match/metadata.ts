import { integer, type MetadataMatcher, type ValueMatcher } from "../envoy.ts";
import type { Condition } from "./condition.ts";
import { stringTest } from "./string-test.ts";

interface ValueTest {
  readonly matches: (value: unknown) => boolean;
  readonly words: string;
}

/** Compiles a ValueMatcher (envoy.type.matcher.v3). */
export function valueTest(matcher: ValueMatcher): ValueTest {
  if (matcher.stringMatch !== undefined) {
    const test = stringTest(matcher.stringMatch);
    return { matches: (value) => typeof value === "string" && test.matches(value), words: test.words };
  }
  if (matcher.boolMatch !== undefined)
    return { matches: (value) => value === matcher.boolMatch, words: `is ${matcher.boolMatch}` };
  if (matcher.presentMatch !== undefined)
    return {
      matches: (value) => (value !== undefined) === matcher.presentMatch,
      words: matcher.presentMatch ? "is present" : "is absent",
    };
  if (matcher.nullMatch !== undefined) return { matches: (value) => value === null, words: "is null" };
  if (matcher.listMatch?.oneOf !== undefined) {
    const one = valueTest(matcher.listMatch.oneOf);
    return {
      matches: (value) => Array.isArray(value) && value.some(one.matches),
      words: `has a member that ${one.words}`,
    };
  }
  if (matcher.orMatch !== undefined) {
    const tests = (matcher.orMatch.valueMatchers ?? []).map(valueTest);
    return {
      matches: (value) => tests.some((test) => test.matches(value)),
      words: tests.map(({ words }) => words).join(" or "),
    };
  }
  if (matcher.doubleMatch !== undefined) {
    const { exact, range } = matcher.doubleMatch;
    return {
      matches: (value) =>
        typeof value === "number" &&
        (exact !== undefined ? value === exact : value >= integer(range?.start) && value < integer(range?.end)),
      words: exact !== undefined ? `is ${exact}` : `is from ${range?.start ?? 0} to below ${range?.end ?? 0}`,
    };
  }
  return { matches: () => false, words: "is of no kind" };
}

/** Compiles a MetadataMatcher on the dynamic metadata of a request. */
export function metadataCondition(matcher: MetadataMatcher): Condition {
  const { filter = "", path = [], invert = false } = matcher;
  const keys = path.map(({ key = "" }) => key);
  const test = valueTest(matcher.value ?? {});
  const value = (metadata: ReadonlyMap<string, unknown>): unknown => {
    let found = metadata.get(filter);
    for (const key of keys) found = isRecord(found) && Object.hasOwn(found, key) ? found[key] : undefined;
    return found;
  };
  const name = `metadata ${filter} ${keys.join(".")}`;
  return {
    matches: ({ metadata }) => test.matches(value(metadata)) !== invert,
    words: `${name} ${invert ? `not (${test.words})` : test.words}`,
    found: ({ metadata }) => {
      const found = value(metadata);
      return `${name} is ${found === undefined ? "absent" : JSON.stringify(found)}`;
    },
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
