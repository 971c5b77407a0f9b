import fc from "fast-check";
import { message, oneOf, rarely } from "./pick.ts";

/** What generated rules compare with and generated requests carry, so that they meet. */
export const HEADER_NAMES = ["x-a", "x-b", "end-user", "cookie"] as const;
export const HEADER_VALUES = ["v", "vv", "V", "jason", "a=1; user=v", "1.2"] as const;
export const PATHS = [
  "/",
  "/a",
  "/a/",
  "/a/b",
  "/A/b",
  "/ab",
  "/api/v1",
  "/api/v1/x.y",
  "/a%20b",
  "/a/../b",
  "//a//b",
  "/a%2Fb",
] as const;
export const QUERIES = ["", "", "", "?q=v", "?q=vv&p=1", "?p", "?q=", "?x=1&q=v"] as const;

/** What routes lead to, and what they can be told apart by. */
export interface RouteTargets {
  /** Services and subsets, as `destination` of a VirtualService has them. */
  readonly destinations: fc.Arbitrary<object>;
  /** A port that requests come to, for `match.port`. */
  readonly port: number;
  /** A host, for `match.authority`; `a.test` is matched by prefix `a.` and by an expression too. */
  readonly host: string;
  /** Gateways of `match.gateways`. */
  readonly gateways: readonly (readonly string[])[];
}

const stringMatches = (values: readonly string[]) =>
  fc.oneof(
    fc.constantFrom(...values).map((exact) => ({ exact })),
    oneOf("v", "j", "a=").map((prefix) => ({ prefix })),
    oneOf("v+", "[a-z]+", ".*user=.*", "(?i)v", "\\d\\.\\d").map((regex) => ({ regex })),
  );
const stringMatch = stringMatches(HEADER_VALUES);
/** No client can send a space in a query. */
const queryMatch = stringMatches(HEADER_VALUES.filter((value) => !value.includes(" ")));
const headerMatches = fc.dictionary(oneOf(...HEADER_NAMES), fc.oneof(stringMatch, fc.constant({})), {
  minKeys: 1,
  maxKeys: 2,
});
const uriMatch = fc.oneof(
  oneOf("/", "/a", "/a/", "/a/b", "/api/v1", "/a%20b", "/b").map((exact) => ({ exact })),
  oneOf("/", "/a", "/a/", "/api", "/A").map((prefix) => ({ prefix })),
  oneOf("/a.*", "/[a-z]+/?", "(?i)/A/B", "/(api|a)/v\\d.*", "/a\\|b", ".*\\.y").map((regex) => ({ regex })),
);

const match = ({ host, port, gateways }: RouteTargets) =>
  message({
    uri: rarely(uriMatch, 6),
    ignoreUriCase: rarely(fc.constant(true)),
    headers: rarely(headerMatches),
    withoutHeaders: rarely(headerMatches),
    method: rarely(oneOf<object>({ exact: "GET" }, { prefix: "P" }, { regex: "GET|PUT" })),
    queryParams: rarely(
      fc.dictionary(oneOf("q", "p"), fc.oneof(queryMatch, fc.constant({ exact: "" })), { minKeys: 1, maxKeys: 1 }),
    ),
    authority: rarely(
      oneOf<object>({ exact: host }, { prefix: host.slice(0, 2) }, { regex: `.*\\.${host.split(".").at(-1)}(:\\d+)?` }),
    ),
    port: rarely(oneOf(port, 1)),
    gateways: rarely(fc.constantFrom(...gateways)),
  });

const headerOperations = message({
  set: rarely(fc.dictionary(oneOf("x-a", "x-c"), oneOf("set", "s, t"), { minKeys: 1 })),
  add: rarely(fc.dictionary(oneOf("x-a", "x-d"), oneOf("added"), { minKeys: 1 })),
  remove: rarely(fc.subarray(["x-a", "x-b", "x-r"], { minLength: 1 })),
});
const headers = message({ request: rarely(headerOperations, 2), response: rarely(headerOperations) });

const routes = ({ destinations }: RouteTargets) =>
  fc.oneof(
    message({ destination: destinations, headers: rarely(headers) }).map((only) => [only]),
    fc
      .array(message({ destination: destinations, weight: oneOf(0, 1, 20, 50, 99), headers: rarely(headers) }), {
        minLength: 2,
        maxLength: 3,
      })
      .map((all) => (all.some(({ weight }) => weight !== 0) ? all : all.map((one) => ({ ...one, weight: 1 })))),
  );

const rewrite = fc.oneof(
  message({ uri: oneOf("/", "/n", "/n/"), authority: rarely(oneOf("new.test")) }),
  fc.record({ authority: oneOf("new.test") }),
  message({
    uriRegexRewrite: oneOf(
      { match: "^/(a|api)/(.*)$", rewrite: "/\\2/\\1" },
      { match: "/", rewrite: "/-" },
      { match: "b", rewrite: "<\\0>" },
    ),
    authority: rarely(oneOf("new.test")),
  }),
);
const abort = fc.record({ httpStatus: oneOf(418, 503), percentage: fc.record({ value: oneOf(100, 100, 0, 50) }) });
const corsPolicy = message({
  allowOrigins: oneOf([{ exact: "http://a.test" }], [{ regex: "http://.*" }], [{ prefix: "http://b" }]),
  allowMethods: rarely(oneOf(["GET", "PUT"]), 3),
  allowHeaders: rarely(oneOf(["x-a"])),
  maxAge: rarely(oneOf("60s")),
  allowCredentials: rarely(oneOf(true)),
});
const retries = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ attempts: 0 }) },
  {
    weight: 3,
    arbitrary: message({
      attempts: oneOf(1, 3),
      perTryTimeout: rarely(oneOf("1s", "2s")),
      retryOn: rarely(oneOf("5xx", "connect-failure,503", "gateway-error")),
    }),
  },
);

const forward = (targets: RouteTargets) =>
  message({
    route: routes(targets),
    rewrite: rarely(rewrite, 2),
    fault: rarely(fc.record({ abort })),
    headers: rarely(headers, 2),
    timeout: rarely(oneOf("5s", "7s")),
    retries: rarely(retries),
    corsPolicy: rarely(corsPolicy),
    mirror: rarely(targets.destinations),
  });
const redirect = message({
  uri: rarely(oneOf("/new", "/new?x", "/"), 3),
  authority: rarely(oneOf("new.test", "new.test:8"), 3),
  redirectCode: rarely(oneOf(301, 302, 303, 307, 308), 3),
  scheme: rarely(oneOf("https", "http")),
  port: rarely(oneOf(80, 443, 8080)),
}).filter(({ redirectCode: _, ...made }) => Object.keys(made).length > 0);

/** One `http` rule of a VirtualService. */
export function httpRoutes(targets: RouteTargets): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const action = fc.oneof(
    { weight: 7, arbitrary: forward(targets) },
    { weight: 2, arbitrary: message({ redirect, headers: rarely(headers) }) },
    {
      weight: 1,
      arbitrary: message({
        directResponse: message({ status: oneOf(200, 201, 403, 503), body: rarely(oneOf({ string: "said" }), 3) }),
        headers: rarely(headers),
      }),
    },
  );
  return fc
    .record({ match: rarely(fc.array(match(targets), { minLength: 1, maxLength: 3 }), 8), action })
    .map(({ match: matches, action: rest }) => ({ ...(matches && { match: matches }), ...rest }));
}
