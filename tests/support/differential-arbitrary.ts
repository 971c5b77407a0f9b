import fc from "fast-check";

/** Random routing of a small mesh, and requests that meet it. */

export type KubernetesObject = { readonly kind: string; readonly spec: object; readonly name: string };

/** A request as it is sent: nothing is added but what HTTP/1.1 needs. */
export interface Asked {
  readonly through: "sidecar" | "gateway";
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Case {
  readonly objects: readonly KubernetesObject[];
  readonly requests: readonly Asked[];
}

export const PORT = 29_080;

const oneOf = <const T>(...values: readonly T[]) => fc.constantFrom(...values);
const rarely = <T>(arbitrary: fc.Arbitrary<T>, weight = 1) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight, arbitrary });

/** A message of these fields, those that are undefined left out. */
function message(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .record(fields)
    .map((values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)));
}

const PATHS = [
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
];
const QUERIES = ["", "", "", "?q=v", "?q=vv&p=1", "?p", "?q=", "?x=1&q=v"];
const NAMES = ["x-a", "x-b", "end-user", "cookie"] as const;
const VALUES = ["v", "vv", "V", "jason", "a=1; user=v", "1.2"] as const;

const stringMatch = fc.oneof(
  oneOf(...VALUES).map((exact) => ({ exact })),
  oneOf("v", "j", "a=").map((prefix) => ({ prefix })),
  oneOf("v+", "[a-z]+", ".*user=.*", "(?i)v", "\\d\\.\\d").map((regex) => ({ regex })),
);
const headerMatches = fc.dictionary(oneOf(...NAMES), fc.oneof(stringMatch, fc.constant({})), {
  minKeys: 1,
  maxKeys: 2,
});

const uriMatch = fc.oneof(
  oneOf("/", "/a", "/a/", "/a/b", "/api/v1", "/a%20b", "/b").map((exact) => ({ exact })),
  oneOf("/", "/a", "/a/", "/api", "/A").map((prefix) => ({ prefix })),
  oneOf("/a.*", "/[a-z]+/?", "(?i)/A/B", "/(api|a)/v\\d.*", "/a\\|b", ".*\\.y").map((regex) => ({ regex })),
);

const match = message({
  uri: rarely(uriMatch, 6),
  ignoreUriCase: rarely(fc.constant(true)),
  headers: rarely(headerMatches),
  withoutHeaders: rarely(headerMatches),
  method: rarely(oneOf({ exact: "GET" }, { prefix: "P" }, { regex: "GET|PUT" })),
  queryParams: rarely(
    fc.dictionary(oneOf("q", "p"), fc.oneof(stringMatch, fc.constant({ exact: "" })), { minKeys: 1, maxKeys: 1 }),
  ),
  authority: rarely(oneOf({ exact: "a.test" }, { prefix: "a." }, { regex: ".*\\.test(:\\d+)?" })),
  port: rarely(oneOf(PORT, 1)),
  gateways: rarely(oneOf(["mesh"], ["default/gate"])),
});

const headerOperations = message({
  set: rarely(fc.dictionary(oneOf("x-a", "x-c"), oneOf("set", "s, t"), { minKeys: 1 })),
  add: rarely(fc.dictionary(oneOf("x-a", "x-d"), oneOf("added"), { minKeys: 1 })),
  remove: rarely(fc.subarray(["x-a", "x-b", "x-r"], { minLength: 1 })),
});
const headers = message({ request: rarely(headerOperations, 2), response: rarely(headerOperations) });

const destination = fc.oneof(
  { weight: 8, arbitrary: fc.record({ host: oneOf("a.test", "b.test"), subset: oneOf("v1", "v2") }) },
  { weight: 4, arbitrary: fc.record({ host: oneOf("a.test", "b.test", "c.sub.test") }) },
  { weight: 1, arbitrary: oneOf({ host: "a.test", subset: "none" }, { host: "a.test", subset: "empty" }) },
);
const routes = fc.oneof(
  message({ destination, headers: rarely(headers) }).map((only) => [only]),
  fc
    .array(message({ destination, weight: oneOf(0, 1, 20, 50, 99), headers: rarely(headers) }), {
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
const abort = fc.record({
  httpStatus: oneOf(418, 503),
  percentage: fc.record({ value: oneOf(100, 100, 0, 50) }),
});
const forward = message({
  route: routes,
  rewrite: rarely(rewrite, 2),
  fault: rarely(fc.record({ abort })),
  headers: rarely(headers, 2),
  timeout: rarely(fc.constant("5s")),
});
const redirect = message({
  uri: rarely(oneOf("/new", "/new?x", "/"), 3),
  authority: rarely(oneOf("new.test", "new.test:8"), 3),
  redirectCode: rarely(oneOf(301, 302, 303, 307, 308), 3),
  scheme: rarely(oneOf("https", "http")),
  port: rarely(oneOf(80, 443, 8080)),
}).filter((made) => Object.keys(made).length > 0);
const action = fc.oneof(
  { weight: 7, arbitrary: forward },
  { weight: 2, arbitrary: message({ redirect, headers: rarely(headers) }) },
  {
    weight: 1,
    arbitrary: message({
      directResponse: message({ status: oneOf(200, 201, 403, 503), body: rarely(fc.constant({ string: "said" }), 3) }),
      headers: rarely(headers),
    }),
  },
);
const httpRoute = fc
  .record({ match: rarely(fc.array(match, { minLength: 1, maxLength: 3 }), 8), action })
  .map(({ match: matches, action: rest }) => ({ ...(matches && { match: matches }), ...rest }));

const HOSTS = ["a.test", "b.test", "c.sub.test", "*.sub.test", "www.test", "*.test"];

const virtualServices = fc.uniqueArray(
  fc.record({
    hosts: oneOf(...HOSTS).map((host) => [host]),
    gateways: oneOf(["mesh", "gate"], ["mesh", "gate"], ["mesh", "gate"], ["mesh"], ["gate"]),
    http: fc.array(httpRoute, { minLength: 1, maxLength: 5 }),
  }),
  { selector: ({ hosts }) => hosts[0], minLength: 3, maxLength: 6 },
);

const SUBSETS = ["v1", "v2", "empty"].map((name) => ({ name, labels: { version: name } }));
const destinationRules = fc.subarray(["a.test", "b.test"], { minLength: 1 });

const request: fc.Arbitrary<Asked> = fc.record({
  through: oneOf("sidecar", "gateway"),
  method: oneOf("GET", "GET", "PUT", "POST", "DELETE"),
  host: oneOf(
    "a.test",
    "a.test",
    "b.test",
    "b.test",
    "c.sub.test",
    "c.sub.test",
    "d.sub.test",
    "www.test",
    "A.TEST",
    "q.example",
  ).chain((host) => oneOf(host, `${host}:${PORT}`, `${host}:1`)),
  path: fc.tuple(oneOf(...PATHS), oneOf(...QUERIES)).map(([path, query]) => path + query),
  headers: fc.dictionary(oneOf(...NAMES), oneOf(...VALUES), { maxKeys: 3 }),
});

const gatewayHosts = oneOf(
  ["*"],
  ["*.test", "marker.example"],
  ["a.test", "b.test", "marker.example"],
  ["*/*.test", "marker.example"],
);

/** A case: the routing, and so many requests. */
export function cases(requests: number): fc.Arbitrary<Case> {
  return fc
    .record({
      virtualServices,
      destinationRules,
      gatewayHosts,
      // A smaller mesh is worth more than other requests.
      requests: fc.noShrink(fc.array(request, { minLength: requests, maxLength: requests })),
    })
    .map((made) => ({
      objects: [
        ...made.virtualServices.map((spec, index) => ({ kind: "VirtualService", name: `vs-${index}`, spec })),
        ...made.destinationRules.map((host) => ({
          kind: "DestinationRule",
          name: host.replaceAll(".", "-"),
          spec: { host, subsets: SUBSETS },
        })),
        gatewayOf(made.gatewayHosts),
      ],
      requests: made.requests,
    }));
}

export function gatewayOf(hosts: readonly string[]): KubernetesObject {
  const port = { number: PORT, name: "http", protocol: "HTTP" };
  return { kind: "Gateway", name: "gate", spec: { selector: { app: "gate" }, servers: [{ port, hosts }] } };
}
