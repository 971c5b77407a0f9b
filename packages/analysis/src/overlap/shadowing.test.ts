import type { HttpMatch, StringMatch } from "@fairlead/config";
import fc from "fast-check";
import { expect, it } from "vitest";
import { Languages } from "./language.ts";
import { matchSet } from "./match-set.ts";
import { RequestSets } from "./request-set.ts";
import { findContested, findDead } from "./shadowing.ts";

interface Request {
  readonly path: string;
  readonly method: string;
  readonly port: number;
  readonly gateway: string;
  readonly x: string | undefined;
  readonly y: string | undefined;
  readonly q: string | undefined;
}

const matchesText = (match: StringMatch, text: string | undefined): boolean => {
  if (text === undefined) return false;
  if (match.exact !== undefined) return text === match.exact;
  if (match.prefix !== undefined) return text.startsWith(match.prefix);
  return match.regex === undefined || new RegExp(`^(?:${match.regex})$`).test(text);
};

/** What Envoy does, one request at a time. */
function matches(match: HttpMatch | undefined, request: Request): boolean {
  if (!match) return true;
  const fold = (text: string) => (match.ignoreUriCase ? text.toLowerCase() : text);
  const { uri } = match;
  const uriMatch = uri && {
    ...uri,
    ...(uri.exact !== undefined && { exact: fold(uri.exact) }),
    ...(uri.prefix !== undefined && { prefix: fold(uri.prefix) }),
  };
  if (uriMatch && !matchesText(uriMatch as StringMatch, uri.regex === undefined ? fold(request.path) : request.path))
    return false;
  if (match.method && !matchesText(match.method, request.method)) return false;
  if (match.port && match.port !== request.port) return false;
  if (match.gateways?.length && !match.gateways.includes(request.gateway)) return false;
  const header = (name: string) => (name === "x" ? request.x : request.y);
  for (const [name, value] of Object.entries(match.headers ?? {})) if (!matchesText(value, header(name))) return false;
  for (const [name, value] of Object.entries(match.withoutHeaders ?? {})) {
    const asksForPresence = Object.keys(value).length === 0;
    if (asksForPresence ? header(name) !== undefined : matchesText(value, header(name) ?? "")) return false;
  }
  for (const value of Object.values(match.queryParams ?? {})) if (!matchesText(value, request.q)) return false;
  return true;
}

const words = (letters: readonly string[], length: number): readonly string[] =>
  length === 0 ? [""] : ["", ...letters.flatMap((letter) => words(letters, length - 1).map((rest) => letter + rest))];
/** Enough to tell apart all that the conditions below can say together. */
const PATHS = [...new Set([...words(["a", "b", "c"], 3), ...words(["a", "b", "A", "B"], 2)])].map((word) => `/${word}`);
const VALUES = [undefined, "", "a", "b", "c", "aa", "ab", "ac", "ba", "bb", "bc", "ca"];

const text = fc.oneof(
  fc.constantFrom<StringMatch>({}, { exact: "a" }, { exact: "b" }, { exact: "" }, { prefix: "a" }, { prefix: "" }),
  fc.constantFrom<StringMatch>(
    { regex: ".*" },
    { regex: "a.*" },
    { regex: "[ab]+" },
    { regex: "(a|b)?" },
    { regex: "[^a]*" },
  ),
);
const uri = fc.oneof(
  fc.constantFrom<StringMatch>({ exact: "/a" }, { exact: "/" }, { prefix: "/" }, { prefix: "/a" }, { prefix: "/ab" }),
  fc.constantFrom<StringMatch>(
    { regex: "/.*" },
    { regex: "/[ab].*" },
    { regex: "/a?" },
    { regex: "/(a|b)+" },
    { regex: "/[^a].*" },
  ),
);
const method = fc.constantFrom<StringMatch>(
  { exact: "GET" },
  { exact: "POST" },
  { prefix: "P" },
  { regex: "GET|POST" },
);
const headers = fc.dictionary(fc.constantFrom("x", "y"), text, { maxKeys: 2 });
const withoutHeaders = fc.dictionary(fc.constantFrom("x", "y"), text, { maxKeys: 1 });
const queryParams = fc.record({ q: text });
const port = fc.constantFrom(80, 81);
const gateways = fc.constantFrom(["mesh"], ["ns/gate"], ["mesh", "ns/gate"]);
// Few properties at a time, so that all requests can be tried.
const rules = fc
  .constantFrom<Record<string, fc.Arbitrary<unknown>>>(
    { uri, ignoreUriCase: fc.boolean(), method },
    { uri, headers: fc.record({ x: text }), port },
    { headers, withoutHeaders },
    { queryParams, gateways, uri },
    { withoutHeaders, port, gateways, method },
  )
  .chain((fields) => {
    const httpMatch = fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<HttpMatch>;
    return fc.array(fc.array(httpMatch, { maxLength: 2 }), { minLength: 2, maxLength: 4 });
  });

function* requests(among: readonly HttpMatch[]): Iterable<Request> {
  const uses = (field: keyof HttpMatch) => among.some((match) => match[field] !== undefined);
  const header = (name: string) =>
    among.some((match) => match.headers?.[name] !== undefined || match.withoutHeaders?.[name] !== undefined)
      ? VALUES
      : [undefined];
  for (const path of uses("uri") ? PATHS : ["/"])
    for (const verb of uses("method") ? ["GET", "POST", "PUT", "X"] : ["GET"])
      for (const port of uses("port") ? [80, 81, 82] : [80])
        for (const gateway of uses("gateways") ? ["mesh", "ns/gate"] : ["mesh"])
          for (const x of header("x"))
            for (const y of header("y"))
              for (const q of uses("queryParams") ? VALUES : [undefined])
                yield { path, method: verb, port, gateway, x, y, q };
}

it("a rule is dead exactly when no request comes to it; contested requests are matched by both", () => {
  let dead = 0;
  let contested = 0;
  fc.assert(
    fc.property(rules, (given) => {
      const sets = new RequestSets(new Languages());
      const scope = { gateways: ["mesh", "ns/gate"], segments: false };
      const all = given.map((list) => {
        const of = list.length > 0 ? list : [undefined];
        return { of, matches: of.map((match) => matchSet(sets, match, scope)), complete: true };
      });
      const last = all.at(-1);
      if (!last) return;
      const earlier = all.slice(0, -1);
      const reached = last.of.map(() => false);
      for (const request of requests(given.flat())) {
        if (earlier.some(({ of }) => of.some((match) => matches(match, request)))) continue;
        for (const [index, match] of last.of.entries()) if (matches(match, request)) reached[index] = true;
        if (reached.every((one) => one)) break;
      }
      const found = last.matches.map((match) => findDead(sets, match, earlier));
      expect(found.map((one) => one === undefined)).toEqual(reached);
      dead += found.filter((one) => one !== undefined).length;
      for (const one of found) {
        // Together those that are named are enough.
        const by = one?.by ?? [];
        if (one && by.length > 0)
          expect(findDead(sets, last.matches[found.indexOf(one)] ?? new Map(), by)).toBeDefined();
      }
      const [first] = earlier;
      const shared = first && findContested(sets, last, first, []);
      if (!first || !shared) return;
      contested++;
      const one = (property: string) => sets.example(shared, property, []);
      const request: Request = {
        path: one("path") ?? "",
        method: one("method") ?? "",
        port: Number(one("port")),
        gateway: one("gateway") ?? "",
        x: one("header x"),
        y: one("header y"),
        q: one("query q"),
      };
      for (const { of } of [first, last]) expect(of.some((match) => matches(match, request))).toBe(true);
    }),
    { numRuns: 400 },
  );
  expect(dead).toBeGreaterThan(20);
  expect(contested).toBeGreaterThan(20);
});
