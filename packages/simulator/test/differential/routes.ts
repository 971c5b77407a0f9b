import type { RouteConfiguration } from "../../src/envoy.ts";
import { randomCors } from "./policies.ts";
import type { Random } from "./random.ts";

type Host = NonNullable<RouteConfiguration["virtualHosts"]>[number];
type Route = NonNullable<Host["routes"]>[number];
type Match = NonNullable<Route["match"]>;

const PATHS = [
  "/",
  "/a",
  "/a/",
  "/a/b",
  "/A",
  "/api",
  "/api/v1",
  "/apiary",
  "/a.b",
  "/x y".replace(" ", "%20"),
] as const;
const REGEXES = ["/a.*", "/[ab]/?", "/(api|a)/v\\d", ".*", "/a|/b", "(?i)/A", "/a\\.b", "/.+/.+"] as const;
const NAMES = ["x-a", "x-b", "cookie", "end-user"] as const;
const VALUES = ["", "1", "12", "jason", "JASON", "a,b", "user=jason", "-5"] as const;
const DOMAINS = [
  "a.com",
  "*.a.com",
  "*.b.a.com",
  "b.a.com",
  "a.*",
  "a.b.*",
  "c.com:8080",
  "*",
  "*-x.com",
  "A.org",
] as const;
export const HOSTS = [
  "a.com",
  "A.COM",
  "b.a.com",
  "c.b.a.com",
  "a.net",
  "a.b.net",
  "c.com",
  "c.com:8080",
  "q.org",
  "y-x.com",
  "-x.com",
  "a.org",
  "x.a.com:80",
] as const;
export { NAMES, PATHS, VALUES };

function pathMatch(random: Random): Match {
  const path = random.pick(PATHS);
  const sensitive = random.chance(0.2) ? { caseSensitive: false } : {};
  switch (random.below(5)) {
    case 0:
      return { path, ...sensitive };
    case 1:
      return { safeRegex: { regex: random.pick(REGEXES) } };
    case 2: {
      const prefix = path.length > 1 ? path.replace(/\/$/, "") : "/a";
      return { pathSeparatedPrefix: prefix, ...sensitive };
    }
    default:
      return { prefix: path, ...sensitive };
  }
}

function stringMatcher(random: Random) {
  const value = random.pick(VALUES) || "x";
  const fold = random.chance(0.3) ? { ignoreCase: true } : {};
  switch (random.below(5)) {
    case 0:
      return { prefix: value, ...fold };
    case 1:
      return { suffix: value, ...fold };
    case 2:
      return { contains: value, ...fold };
    case 3:
      return { safeRegex: { regex: random.pick(["\\d+", ".*jason.*", "a.b", "[^,]*"]) } };
    default:
      return { exact: value, ...fold };
  }
}

function headerMatch(random: Random): NonNullable<Match["headers"]>[number] {
  const name = random.pick([...NAMES, ":method"]);
  const modifiers = {
    ...(random.chance(0.3) && { invertMatch: true }),
    ...(random.chance(0.3) && { treatMissingHeaderAsEmpty: true }),
  };
  if (random.chance(0.2)) return { name, presentMatch: random.chance(0.5), ...modifiers };
  if (random.chance(0.15)) return { name, rangeMatch: { start: -10, end: random.below(20) }, ...modifiers };
  return { name, stringMatch: stringMatcher(random), ...modifiers };
}

const upgradeConfig = (random: Random) =>
  random.chance(0.5) ? { upgradeType: "websocket", enabled: false } : { upgradeType: "other" };

function action(random: Random, id: string): Partial<Route> {
  switch (random.below(6)) {
    case 0:
      return {
        directResponse: {
          status: random.pick([200, 201, 202, 302, 308, 404, 503] as const),
          body: { inlineString: id },
        },
      };
    case 1:
      return {
        redirect: {
          ...(random.chance(0.5) && { hostRedirect: "new.org" }),
          ...(random.chance(0.3) && { portRedirect: random.pick([80, 8443] as const) }),
          ...random.pick([
            {},
            { pathRedirect: "/new" },
            { pathRedirect: "/new?q" },
            { prefixRewrite: "/pre" },
            { regexRewrite: { pattern: { regex: "/(a)" }, substitution: "/<\\1>" } },
          ] as const),
          ...random.pick([{}, { httpsRedirect: true }, { schemeRedirect: "https" }] as const),
          ...(random.chance(0.4) && { stripQuery: true }),
          responseCode: random.pick(["MOVED_PERMANENTLY", "FOUND", "PERMANENT_REDIRECT"] as const),
        },
      };
    default:
      return {
        route: {
          cluster: "backend",
          timeout: "5s",
          ...(random.chance(0.3) && { upgradeConfigs: [upgradeConfig(random)] }),
          ...random.pick([
            {},
            {},
            { prefixRewrite: "/re" },
            { prefixRewrite: "/re/" },
            { regexRewrite: { pattern: { regex: "a(.)" }, substitution: "[\\1\\0]" } },
          ] as const),
          ...random.pick([
            {},
            {},
            { hostRewriteLiteral: "rewritten.org" },
            { hostRewriteHeader: "x-a" },
            { hostRewritePathRegex: { pattern: { regex: "^/(a).*$" }, substitution: "\\1.host" } },
          ] as const),
        },
      };
  }
}

function route(random: Random, id: string): Route {
  const headers = Array.from({ length: random.below(3) }, () => headerMatch(random));
  const query = random.chance(0.2)
    ? [
        random.pick([
          { name: "q", presentMatch: true },
          { name: "q", stringMatch: { exact: "1" } },
          { name: "q", stringMatch: { contains: "2" } },
          { name: "z", presentMatch: false },
        ] as const),
      ]
    : [];
  const faults = random.chance(0.1)
    ? {
        typedPerFilterConfig: {
          "envoy.filters.http.fault": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
            abort: { httpStatus: 418, percentage: { numerator: random.pick([0, 100] as const) } },
          },
        },
      }
    : {};
  return {
    name: id,
    match: {
      ...pathMatch(random),
      ...(headers.length > 0 && { headers }),
      ...(query.length > 0 && { queryParameters: query as NonNullable<Match["queryParameters"]> }),
    },
    ...action(random, id),
    ...faults,
    requestHeadersToAdd: [
      { header: { key: "x-route", value: id }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" },
      ...(random.chance(0.3)
        ? [
            {
              header: { key: "x-b", value: "added" },
              appendAction: random.pick(["APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS"] as const),
            },
          ]
        : []),
    ],
    ...(random.chance(0.2) && { requestHeadersToRemove: [random.pick(["x-a", "x-b"] as const)] }),
  };
}

/** Random routes: every domain is of one virtual host, as Envoy asks. */
export function randomRoutes(random: Random): RouteConfiguration {
  const virtualHosts = DOMAINS.filter(() => random.chance(0.8)).map((domain, host): Host => {
    const routes = Array.from({ length: 1 + random.below(7) }, (_, index) => route(random, `h${host}r${index}`));
    return {
      name: `h${host}`,
      domains: [domain],
      routes,
      ...(random.chance(0.3) && { requestHeadersToAdd: [{ header: { key: "x-host", value: `h${host}` } }] }),
      ...(random.chance(0.3) && { typedPerFilterConfig: { "envoy.filters.http.cors": randomCors(random) } }),
      ...(random.chance(0.1) && { requireTls: "ALL" as const }),
    };
  });
  return { name: "random", virtualHosts, ...(random.chance(0.5) && { ignorePortInHostMatching: true }) };
}
