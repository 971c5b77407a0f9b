import type { HeaderMatcher, StringMatcher } from "../../proto/types.ts";

/** Escapes what has a meaning in RE2. */
export function quoteRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

export function regexMatch(regex: string): StringMatcher {
  return { safeRegex: { regex } };
}

/** Anything but nothing. */
export const ANY_TEXT: StringMatcher = regexMatch(".+");

/**
 * A value of an AuthorizationPolicy: `*`, `*suffix`, `prefix*` or exact. `scheme` is put before it (`spiffe://`), which
 * makes a suffix an expression.
 */
export function valueMatch(value: string, scheme = ""): StringMatcher {
  if (value === "*") return ANY_TEXT;
  if (value.startsWith("*")) {
    const suffix = value.slice(1);
    return scheme ? regexMatch(`${scheme}.*${quoteRegex(suffix)}`) : { suffix };
  }
  return value.endsWith("*") ? { prefix: scheme + value.slice(0, -1) } : { exact: scheme + value };
}

/** A header of the request; host names are compared in any case. */
export function headerMatch(name: string, value: string, ignoreCase: boolean): HeaderMatcher {
  if (value === "*") return { name, presentMatch: true };
  return { name, stringMatch: { ...valueMatch(value), ...(ignoreCase ? { ignoreCase: true } : {}) } };
}
