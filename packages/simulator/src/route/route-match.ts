import type { Route } from "../envoy.ts";
import { type Condition, failure } from "../match/condition.ts";
import { cookieCondition } from "../match/cookie.ts";
import { headerCondition } from "../match/header.ts";
import { metadataCondition } from "../match/metadata.ts";
import { type PathTest, pathTest } from "../match/path.ts";
import { queryCondition } from "../match/query.ts";
import type { HttpSubject } from "../subject.ts";
import { fraction } from "./fraction.ts";

/** A route, compiled. */
export interface CompiledRoute {
  readonly route: Route;
  /** Undefined: matches CONNECT requests only, or nothing that is known. */
  readonly path: PathTest | undefined;
  readonly conditions: readonly Condition[];
  /** The share of the requests that may take it. */
  readonly fraction?: { readonly numerator: number; readonly denominator: number };
}

const compiled = new WeakMap<Route, CompiledRoute>();

export function compileRoute(route: Route): CompiledRoute {
  let present = compiled.get(route);
  if (present === undefined) {
    present = compile(route);
    compiled.set(route, present);
  }
  return present;
}

function compile(route: Route): CompiledRoute {
  const match = route.match ?? {};
  const conditions: Condition[] = [
    ...(match.grpc ? [GRPC] : []),
    ...(match.headers ?? []).map(headerCondition),
    ...(match.queryParameters ?? []).map(queryCondition),
    ...(match.cookies ?? []).map(cookieCondition),
    ...(match.tlsContext ? [tlsCondition(match.tlsContext)] : []),
    ...(match.dynamicMetadata ?? []).map(metadataCondition),
    ...(match.filterState ?? []).map(({ key = "" }) => unknown(`filter state ${key}`)),
  ];
  const share = match.runtimeFraction?.defaultValue;
  return { route, path: pathTest(match), conditions, ...(share && { fraction: fraction(share) }) };
}

const GRPC: Condition = {
  matches: ({ headers }) => /^application\/grpc($|[+;])/.test(headers.get("content-type") ?? ""),
  words: "a gRPC request",
  found: ({ headers }) => `content-type is ${headers.get("content-type") ?? "absent"}`,
};

function tlsCondition({ presented }: { presented?: boolean; validated?: boolean }): Condition {
  return {
    matches: ({ connection }) => presented === undefined || (connection.peer !== undefined) === presented,
    words: `a client certificate is ${presented ? "" : "not "}presented`,
    found: ({ connection }) => `the client shows ${connection.peer ? "a" : "no"} certificate`,
  };
}

function unknown(what: string): Condition {
  return { matches: () => false, words: what, found: () => `${what} is not simulated` };
}

/** Whether the route matches, its share left aside. */
export function routeMatches({ path, conditions, route }: CompiledRoute, subject: HttpSubject): boolean {
  if (path === undefined) {
    if (route.match?.connectMatcher === undefined || subject.headers.get(":method") !== "CONNECT") return false;
  } else if (subject.pathname === "" || !path.matches(subject.pathname)) return false;
  for (const condition of conditions) if (!condition.matches(subject)) return false;
  return true;
}

/** What the route asks for, for people. */
export function describeRoute({ route, path, conditions }: CompiledRoute): string {
  const words = [path ? `path ${path.words}` : "CONNECT", ...conditions.map((condition) => condition.words)];
  return route.name ? `${route.name} (${words.join("; ")})` : words.join("; ");
}

/** Why the route does not match. */
export function whyNot({ path, conditions }: CompiledRoute, subject: HttpSubject): string {
  if (path !== undefined && subject.pathname === "") return "CONNECT has no path";
  if (path === undefined) return `method is ${subject.headers.get(":method")}, wanted CONNECT`;
  if (!path.matches(subject.pathname)) return `path is ${subject.pathname}, wanted: path ${path.words}`;
  const failed = conditions.find((condition) => !condition.matches(subject));
  return failed ? failure(failed, subject) : "an earlier route takes all of its requests";
}
