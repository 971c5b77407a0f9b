import { RE2JS } from "re2js";
import { SimulatorError } from "../error.ts";

const compiled = new Map<string, RE2JS>();
const MOST_KEPT = 10_000;

/** An RE2 expression. The same text gives the same object. */
export function regexOf(text: string): RE2JS {
  let regex = compiled.get(text);
  if (regex === undefined) {
    try {
      regex = RE2JS.compile(text);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new SimulatorError("malformed-resource", `${JSON.stringify(text)} is no RE2 expression: ${message}`, {
        cause,
      });
    }
    if (compiled.size >= MOST_KEPT) compiled.clear();
    compiled.set(text, regex);
  }
  return regex;
}

/** Whether the expression matches the whole text, as Envoy's matchers have it. */
export function fullMatch(regex: RE2JS, text: string): boolean {
  return regex.testExact(text);
}

/** RE2's GlobalReplace: `\1` stands for a group, `\0` for the match, `\\` for a backslash. */
export function globalReplace(text: string, pattern: string, substitution: string): string {
  return regexOf(pattern)
    .matcher(text)
    .replaceAll(
      substitution
        .replace(/\$/g, "$$$$")
        .replace(/\\(\d|\\)/g, (_, what: string) => (what === "\\" ? "\\" : `$${what === "0" ? "&" : what}`)),
    );
}
