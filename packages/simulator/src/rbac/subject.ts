import type { Connection, HttpSubject } from "../subject.ts";

/** What RBAC judges: a connection, and the request on it where HTTP is spoken. */
export interface RbacSubject {
  readonly connection: Connection;
  readonly http?: HttpSubject;
  /** The client's address as trusted hops tell it; the peer's where nothing is told. */
  readonly remoteAddress: string;
}

/** A compiled permission or principal. */
export interface Rule {
  readonly matches: (subject: RbacSubject) => boolean;
  readonly words: string;
}

export const ANY: Rule = { matches: () => true, words: "anything" };

export function allOf(rules: readonly Rule[]): Rule {
  return {
    matches: (subject) => rules.every((rule) => rule.matches(subject)),
    words: rules.map(({ words }) => words).join(" and "),
  };
}

export function anyOf(rules: readonly Rule[]): Rule {
  return {
    matches: (subject) => rules.some((rule) => rule.matches(subject)),
    words: rules.length === 1 ? (rules[0]?.words ?? "") : `(${rules.map(({ words }) => words).join(" or ")})`,
  };
}

export function not(rule: Rule): Rule {
  return { matches: (subject) => !rule.matches(subject), words: `not (${rule.words})` };
}

/** A rule of HTTP requests: nothing of it holds for a connection without one. */
export function httpRule(words: string, matches: (http: HttpSubject) => boolean): Rule {
  return { matches: ({ http }) => http !== undefined && matches(http), words };
}

/** What is not simulated matches nothing, and says so. */
export function unknownRule(what: string): Rule {
  return { matches: () => false, words: `${what} (not simulated)` };
}
