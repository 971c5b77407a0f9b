import fc from "fast-check";
import { expect, it } from "vitest";
import { expression } from "./expression.ts";
import { Languages, Undecided } from "./language.ts";

const PATTERNS = [
  "",
  "a",
  "abc",
  "a.c",
  ".*",
  ".+",
  "a*b+c?",
  "a{2}",
  "a{2,}",
  "(ab){1,3}",
  "a{b",
  "[a-c]x[^a-c]",
  "[]a]",
  "[a-]",
  "[\\w-]+",
  "[^/]+/[^/]*",
  "\\d+\\.\\d",
  "\\x61\\x{62}",
  "^/v(1|2)/.*$",
  "^a|b$",
  "(?:a|b)*?c",
  "(?P<name>a)+",
  "(?i)aBc",
  "(?s)a.b",
  "[[:alpha:]]+[[:digit:]]",
  "/users/[0-9]+(/posts)?",
  "a|",
  "((a))",
];

/** The same in this platform's syntax, where it differs from RE2's. */
const own = (pattern: string) => {
  const flags = /^\(\?([is])\)/.exec(pattern);
  const body = pattern
    .slice(flags?.[0].length ?? 0)
    .replaceAll("(?P<", "(?<")
    .replaceAll("[:alpha:]", "a-zA-Z")
    .replaceAll("[:digit:]", "0-9")
    .replace("[]a]", "[\\]a]")
    .replace("a{b", "a\\{b")
    .replace("[\\w-]", "[\\w\\-]")
    .replace("\\x{62}", "b");
  return new RegExp(`^(?:${body})$`, `u${flags?.[1] ?? ""}`);
};

it.each(PATTERNS)("%s has the texts that it matches", (pattern) => {
  const languages = new Languages();
  const language = expression(languages, pattern);
  const reference = own(pattern);
  const letters = fc.constantFrom(..."abcxABC012./-]{_ \nvusers1postv2é".split(""));
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 7 }), (parts) => {
      const text = parts.join("");
      expect([text, languages.includes(language, text)]).toEqual([text, reference.test(text)]);
    }),
  );
  const sample = languages.sample(language);
  expect(reference.test(sample ?? "none")).toBe(true);
  expect(languages.sample(languages.all(language, languages.not(language)))).toBeUndefined();
  const apart = languages.sample(languages.not(language));
  if (apart === undefined) expect(pattern).toBe("(?s).*");
  else expect(reference.test(apart)).toBe(false);
});

it.each(["\\bword\\b", "a^b", "a$b", "\\pL", "\\Qa\\E", "a(?i)b", "(?i)é", "(a", "a)", "[a", "*", "x{500}", "\\"])(
  "%s is left undecided",
  (pattern) => {
    expect(() => expression(new Languages(), pattern)).toThrow(Undecided);
  },
);

it("many questions are left undecided once they are too much together", () => {
  const languages = new Languages(3000, 20);
  expect(languages.sample(expression(languages, "a{15}"))).toBe("a".repeat(15));
  expect(() => languages.sample(expression(languages, "b{15}"))).toThrow(Undecided);
});

it("a question that grows too large is left undecided", () => {
  const languages = new Languages(50);
  const wide = expression(languages, "(a|b)*a(a|b){12}");
  expect(() => languages.sample(languages.all(wide, languages.not(expression(languages, "(a|b){3,}"))))).toThrow(
    Undecided,
  );
});
