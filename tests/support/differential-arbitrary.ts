import { httpRoutes } from "@fairlead/simulator/arbitrary";
import fc from "fast-check";
import { JWKS } from "./token.ts";

/** Random routing of a small mesh, and requests that meet it. */

export type KubernetesObject = { readonly kind: string; readonly spec: object; readonly name: string };

/** A request as it is sent: nothing is added but what HTTP/1.1 needs. */
export interface Asked {
  readonly through: "sidecar" | "gateway";
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of a token that the request carries. */
  readonly claims?: Readonly<Record<string, unknown>>;
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

const NAMES = ["x-a", "x-b", "end-user", "cookie"] as const;
const VALUES = ["v", "vv", "V", "jason", "a=1; user=v", "1.2"] as const;
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

const destination = fc.oneof(
  { weight: 8, arbitrary: fc.record({ host: oneOf("a.test", "b.test"), subset: oneOf("v1", "v2") }) },
  { weight: 4, arbitrary: fc.record({ host: oneOf("a.test", "b.test", "c.sub.test") }) },
  { weight: 1, arbitrary: oneOf({ host: "a.test", subset: "none" }, { host: "a.test", subset: "empty" }) },
);
const httpRoute = httpRoutes({
  destinations: destination,
  port: PORT,
  host: "a.test",
  gateways: [["mesh"], ["default/gate"]],
});

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
  method: oneOf("GET", "GET", "PUT", "POST", "DELETE", "OPTIONS"),
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
  headers: fc
    .tuple(
      fc.dictionary(oneOf(...NAMES), oneOf(...VALUES), { maxKeys: 3 }),
      rarely(oneOf("http://a.test", "http://b.test", "null")),
      rarely(oneOf("PUT")),
    )
    .map(([headers, origin, asked]) => ({
      ...headers,
      ...(origin && { origin }),
      ...(asked && { "access-control-request-method": asked }),
    })),
});

const withToken: fc.Arbitrary<Asked> = fc
  .record({
    request,
    claims: rarely(
      message({
        iss: oneOf("me", "me", "you", "nobody"),
        sub: rarely(oneOf("ann"), 6),
        aud: rarely(oneOf<unknown>("shop", ["shop", "bank"], "other"), 3),
        group: rarely(oneOf<unknown>("ops", ["ops", "dev"], "dev"), 3),
      }),
    ),
  })
  .map(({ request: asked, claims }) => ({ ...asked, ...(claims && { claims }) }));

const jwtRules = fc.subarray(
  [
    { issuer: "me", jwks: JWKS },
    { issuer: "you", jwks: JWKS, audiences: ["shop"] },
  ],
  { minLength: 1 },
);

/** Who may come through the gateway. What tells which case an Envoy goes by always may. */
const operation = message({
  paths: rarely(fc.subarray(["/a*", "/api/v1", "*.y", "/", "/a/{*}"], { minLength: 1 }), 3),
  notPaths: rarely(oneOf(["/a/b"], ["/ab*"])),
  methods: rarely(fc.subarray(["GET", "PUT", "OPTIONS"], { minLength: 1 }), 2),
  notMethods: rarely(oneOf(["DELETE"])),
  hosts: rarely(oneOf(["a.test"], ["*.sub.test"], ["b.test*"])),
  ports: rarely(oneOf([String(PORT)], ["1"])),
});
const source = message({
  ipBlocks: rarely(oneOf(["127.0.0.0/8"], ["10.0.0.0/8"])),
  notIpBlocks: rarely(oneOf(["127.0.0.1"], ["10.0.0.0/8"])),
  notPrincipals: rarely(oneOf(["*"])),
  remoteIpBlocks: rarely(oneOf(["127.0.0.0/8"])),
  requestPrincipals: rarely(oneOf(["*"], ["me/*"], ["me/ann"], ["*/ann"])),
  notRequestPrincipals: rarely(oneOf(["*"], ["you/*"])),
}).filter((made) => Object.keys(made).length > 0);
const condition = fc.oneof(
  fc.subarray(["v", "V", "ja*"], { minLength: 1 }).map((values) => ({ key: "request.headers[x-a]", values })),
  oneOf<object>(
    { key: "request.auth.claims[group]", values: ["ops"] },
    { key: "request.auth.audiences", values: ["shop"] },
    { key: "request.auth.claims[iss]", values: ["me"] },
    { key: "request.auth.principal", notValues: ["me/ann"] },
  ),
  oneOf({ key: "request.headers[end-user]", notValues: ["jason"] }, { key: "destination.port", values: ["1"] }),
);
const policyRule = message({
  from: rarely(fc.array(fc.record({ source }), { minLength: 1, maxLength: 2 })),
  to: fc.array(fc.record({ operation }), { minLength: 1, maxLength: 2 }),
  when: rarely(fc.array(condition, { minLength: 1, maxLength: 1 })),
});
const MARKER = ["marker.example*"];
const policies = fc.array(
  fc
    .record({ action: oneOf("ALLOW", "DENY"), rules: fc.array(policyRule, { minLength: 1, maxLength: 2 }) })
    .map(({ action, rules }) => ({
      selector: { matchLabels: { app: "gate" } },
      action,
      rules:
        action === "ALLOW"
          ? [...rules, { to: [{ operation: { hosts: MARKER } }] }]
          : rules.map(({ to, ...rest }) => ({
              ...rest,
              to: (to as { operation: object }[]).map((one) => ({ operation: { ...one.operation, notHosts: MARKER } })),
            })),
    })),
  { maxLength: 2 },
);

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
      policies: rarely(policies),
      jwtRules: rarely(jwtRules),
      // A smaller mesh is worth more than other requests.
      requests: fc.noShrink(fc.array(withToken, { minLength: requests, maxLength: requests })),
    })
    .map((made) => ({
      objects: [
        ...made.virtualServices.map((spec, index) => ({ kind: "VirtualService", name: `vs-${index}`, spec })),
        ...made.destinationRules.map((host) => ({
          kind: "DestinationRule",
          name: host.replaceAll(".", "-"),
          spec: { host, subsets: SUBSETS },
        })),
        ...(made.policies ?? []).map((spec, index) => ({ kind: "AuthorizationPolicy", name: `policy-${index}`, spec })),
        ...(made.jwtRules
          ? [
              {
                kind: "RequestAuthentication",
                name: "tokens",
                spec: { selector: { matchLabels: { app: "gate" } }, jwtRules: made.jwtRules },
              },
            ]
          : []),
        gatewayOf(made.gatewayHosts),
      ],
      requests: made.requests,
    }));
}

export function gatewayOf(hosts: readonly string[]): KubernetesObject {
  const port = { number: PORT, name: "http", protocol: "HTTP" };
  return { kind: "Gateway", name: "gate", spec: { selector: { app: "gate" }, servers: [{ port, hosts }] } };
}
