import fc from "fast-check";
import { HEADER_VALUES } from "./http-route.ts";
import { message, oneOf, rarely } from "./pick.ts";

const loadBalancer = fc.oneof(
  oneOf("LEAST_REQUEST", "ROUND_ROBIN", "RANDOM").map((simple) => ({ simple })),
  oneOf<object>({ httpHeaderName: "x-a" }, { useSourceIp: true }, { httpQueryParameterName: "q" }).map(
    (consistentHash) => ({ consistentHash }),
  ),
);
const connectionPool = message({
  tcp: rarely(message({ maxConnections: oneOf(1, 10), connectTimeout: rarely(oneOf("1s", "3s")) }), 3),
  http: rarely(message({ http1MaxPendingRequests: oneOf(1, 7), maxRetries: rarely(oneOf(2)) })),
}).filter((made) => Object.keys(made).length > 0);
const outlierDetection = message({
  consecutive5xxErrors: oneOf(3, 5),
  interval: rarely(oneOf("5s", "10s")),
  baseEjectionTime: rarely(oneOf("20s")),
  maxEjectionPercent: rarely(oneOf(50, 100), 3),
});

/** `trafficPolicy` of a DestinationRule. */
export const trafficPolicies: fc.Arbitrary<object> = message({
  loadBalancer: rarely(loadBalancer, 2),
  connectionPool: rarely(connectionPool, 2),
  outlierDetection: rarely(outlierDetection, 2),
  tls: rarely(oneOf({ mode: "ISTIO_MUTUAL" }, { mode: "DISABLE" })),
}).filter((made) => Object.keys(made).length > 0);

const operations = message({
  paths: rarely(fc.subarray(["/a*", "/api/v1", "*.y", "/"], { minLength: 1 }), 3),
  notPaths: rarely(oneOf(["/a/b"])),
  methods: rarely(fc.subarray(["GET", "PUT", "POST"], { minLength: 1 }), 3),
  ports: rarely(oneOf(["8080"], ["80"])),
}).filter((made) => Object.keys(made).length > 0);
const sources = message({
  namespaces: rarely(fc.subarray(["default", "other"], { minLength: 1 }), 3),
  principals: rarely(oneOf(["cluster.local/ns/default/sa/shop"], ["*"], ["*/sa/stock"]), 2),
  notNamespaces: rarely(oneOf(["other"])),
  ipBlocks: rarely(oneOf(["10.2.0.0/30"])),
}).filter((made) => Object.keys(made).length > 0);
const conditions = fc.oneof(
  fc.subarray([...HEADER_VALUES.slice(0, 3)], { minLength: 1 }).map((values) => ({
    key: "request.headers[x-a]",
    values,
  })),
  oneOf({ key: "destination.port", values: ["8080"] }),
);
const rule = message({
  from: rarely(fc.array(fc.record({ source: sources }), { minLength: 1, maxLength: 2 }), 3),
  to: rarely(fc.array(fc.record({ operation: operations }), { minLength: 1, maxLength: 2 }), 3),
  when: rarely(fc.array(conditions, { minLength: 1, maxLength: 1 })),
});

/** An AuthorizationPolicy for the workloads of an application, or of the whole namespace. */
export const authorizationPolicies = (apps: readonly string[]): fc.Arbitrary<object> =>
  message({
    selector: rarely(
      fc.constantFrom(...apps).map((app) => ({ matchLabels: { app } })),
      3,
    ),
    action: oneOf("ALLOW", "DENY"),
    rules: fc.array(rule, { minLength: 1, maxLength: 2 }),
  });

/** A PeerAuthentication of the whole namespace. */
export const peerAuthentications: fc.Arbitrary<object> = message({
  mtls: oneOf("STRICT", "PERMISSIVE", "DISABLE").map((mode) => ({ mode })),
});
