import type { HttpMatch, StringMatch } from "@fairlead/config";
import { expression } from "./expression.ts";
import { Undecided } from "./language.ts";
import type { RequestSet, RequestSets, Values } from "./request-set.ts";

export interface MatchScope {
  /** Of the VirtualService: `mesh`, `namespace/name`. */
  readonly gateways: readonly string[];
  /** URI prefixes match whole path segments (Ingress, Gateway API). */
  readonly segments: boolean;
}

/**
 * The requests of a match, or of a rule without one. `port`, `gateways` and the source are properties of a request like any
 * other, so that a rule for few clients does not hide one for all. Throws {@link Undecided}.
 * Source: Istio API, `HTTPMatchRequest`; Envoy, `RouteMatch`.
 */
export function matchSet(sets: RequestSets, match: HttpMatch | undefined, scope: MatchScope): RequestSet {
  const { languages } = sets;
  const named = match?.gateways ?? [];
  const gateways = named.length === 0 ? scope.gateways : scope.gateways.filter((gateway) => named.includes(gateway));
  const present = (texts: Values["texts"], head = ""): Values => ({ absent: false, texts, head });
  let set: RequestSet = new Map();
  const narrow = (property: string, values: Values) => {
    set = sets.narrow(set, property, values);
  };
  narrow("gateway", present(languages.any(...gateways.map((gateway) => languages.text(gateway)))));
  if (!match) return set;
  if (match.uri) narrow("path", uriValues(sets, match.uri, match.ignoreUriCase ?? false, scope.segments));
  for (const property of ["method", "scheme", "authority"] as const) {
    const value = match[property];
    if (value) narrow(property, stringValues(sets, value));
  }
  for (const [name, value] of Object.entries(match.headers ?? {})) narrow(...headerValues(sets, name, value, false));
  for (const [name, value] of Object.entries(match.withoutHeaders ?? {}))
    narrow(...headerValues(sets, name, value, true));
  for (const [name, value] of Object.entries(match.queryParams ?? {}))
    narrow(`query ${name}`, stringValues(sets, value));
  if (match.port) narrow("port", present(languages.text(String(match.port))));
  // Istio does not look at the source where gateways are named.
  if (named.length > 0) return set;
  if (match.sourceNamespace) narrow("namespace", present(languages.text(match.sourceNamespace)));
  for (const [label, value] of Object.entries(match.sourceLabels ?? {}))
    narrow(`label ${label}`, present(languages.text(value)));
  return set;
}

/** With nothing set, or the regular expression `*`, presence is enough. */
function asksForPresence({ exact, prefix, regex }: StringMatch): boolean {
  return regex === "*" || (exact === undefined && prefix === undefined && regex === undefined);
}

function stringValues({ languages }: RequestSets, match: StringMatch, ignoreCase = false): Values {
  const of = (texts: Values["texts"], head = ""): Values => ({ absent: false, texts, head: ignoreCase ? "" : head });
  if (asksForPresence(match)) return of(languages.everything);
  if (match.exact !== undefined) return of(languages.text(match.exact, ignoreCase), match.exact);
  if (match.prefix !== undefined)
    return of(languages.follow(languages.text(match.prefix, ignoreCase), languages.everything), match.prefix);
  return of(expression(languages, match.regex ?? ""));
}

function uriValues(sets: RequestSets, uri: StringMatch, ignoreCase: boolean, segments: boolean): Values {
  const { languages } = sets;
  if (!segments || uri.prefix === undefined || uri.prefix === "/") return stringValues(sets, uri, ignoreCase);
  const prefix = uri.prefix.replace(/\/$/, "");
  const below = languages.follow(languages.text("/"), languages.everything);
  const texts = languages.follow(languages.text(prefix, ignoreCase), languages.any(languages.emptyText, below));
  return { absent: false, texts, head: ignoreCase ? "" : prefix };
}

const PSEUDO: Readonly<Record<string, string>> = {
  ":authority": "authority",
  ":method": "method",
  ":scheme": "scheme",
  host: "authority",
};

function headerValues(
  sets: RequestSets,
  given: string,
  match: StringMatch,
  without: boolean,
): readonly [string, Values] {
  const { languages } = sets;
  const name = given.toLowerCase();
  if (name === ":path") throw new Undecided("the path together with the query");
  if (name.startsWith("@request.auth.claims")) {
    // A claim may be a list: conditions on it do not exclude each other.
    const texts = languages.text(without ? "0" : "1");
    return [`claim ${given} ${JSON.stringify(match)}`, { absent: false, texts }];
  }
  const property = PSEUDO[name] ?? `header ${name}`;
  const values = stringValues(sets, match);
  if (!without) return [property, values];
  if (asksForPresence(match)) return [property, { absent: true, texts: languages.nothing }];
  // A missing header counts as an empty one.
  return [property, { absent: !languages.includes(values.texts, ""), texts: languages.not(values.texts) }];
}
