// Longer than most files: a table of what each field may hold.
import {
  KINDS,
  type KindName,
  type MeshConfig,
  messageInfo,
  parsePath,
  type Schema,
  validateDocument,
} from "@fairlead/config";
import fc from "fast-check";
import { JWKS } from "../support/token.ts";

/** Random meshes that are valid: every field of their kinds, with texts that mean something. */

export type Document = Readonly<Record<string, unknown>>;
type Path = readonly (string | number)[];

export interface Surroundings {
  /** Third part of the loopback addresses that services have. */
  readonly net: number;
  /** Address of the proxies, at which some services have an endpoint. */
  readonly own: string;
}

const HOSTS = ["a.test", "b.test", "c.test", "d.sub.test", "e.default.svc.cluster.local", "f.other.svc.cluster.local"];
const PORTS = [28_080, 28_081, 28_443, 29_090, 27_017];
const NAMESPACES = ["default", "other", "istio-system"];
/** Where spans, logs and questions about requests can go in these meshes. */
export const PROVIDERS: NonNullable<MeshConfig["extensionProviders"]> = [
  { name: "zipkin", zipkin: { service: "a.test", port: 28_080 } },
  { name: "datadog", datadog: { service: "a.test", port: 28_081 } },
  { name: "skywalking", skywalking: { service: "b.test", port: 28_080, accessToken: "t" } },
  { name: "otel", opentelemetry: { service: "b.test", port: 28_080 } },
  { name: "otel-http", opentelemetry: { service: "a.test", port: 28_080, http: { path: "/v1/traces" } } },
  {
    name: "dynatrace",
    opentelemetry: { service: "a.test", port: 28_080, http: { path: "/t" }, dynatraceSampler: { tenant: "t" } },
  },
  { name: "file", envoyFileAccessLog: { path: "/dev/null" } },
  { name: "http-log", envoyHttpAls: { service: "a.test", port: 28_080 } },
  { name: "tcp-log", envoyTcpAls: { service: "b.test", port: 28_080 } },
  { name: "otel-log", envoyOtelAls: { service: "a.test", port: 28_080 } },
  { name: "asker", envoyExtAuthzGrpc: { service: "a.test", port: 28_080 } },
  { name: "asker-http", envoyExtAuthzHttp: { service: "b.test", port: 28_080 } },
];

const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const several = <T>(...values: readonly T[]) => fc.uniqueArray(oneOf(...values), { minLength: 1, maxLength: 3 });

/** What a field of this name (or at the end of this path) holds. */
const FIELDS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  host: oneOf(...HOSTS),
  authority: oneOf("a.test", "www.test", "b.test:28080"),
  "VirtualService.hosts": several(...HOSTS, "*.test", "www.test", "*.sub.test"),
  "VirtualService.gateways": fc.subarray(["mesh", "default/one", "istio-system/two"], { minLength: 1 }),
  "match.gateways": several("mesh", "default/one"),
  "VirtualService.exportTo": several(".", "*"),
  "ServiceEntry.exportTo": several("*", "."),
  "DestinationRule.exportTo": several(".", "*"),
  "servers.hosts": several("*", "a.test", "*.test", "default/b.test", "./c.test", "www.test", "*/*.sub.test"),
  "egress.hosts": several("*/*", "./*", "~/*", "default/a.test", "*/b.test", "other/*"),
  sniHosts: several(...HOSTS, "*.test"),
  "operation.hosts": several("a.test", "*.test", "a*", "*"),
  "operation.notHosts": several("a.test", "*.test"),
  "servers.port": fc.record({
    number: oneOf(...PORTS),
    protocol: oneOf("HTTP", "HTTPS", "HTTP2", "GRPC", "TCP", "TLS", "MONGO"),
    name: oneOf("p0", "p1", "p2", "p3", "p4"),
  }),
  "ingress.port": fc.record({
    number: oneOf(...PORTS),
    protocol: oneOf("HTTP", "TCP", "GRPC", "TLS", "HTTPS"),
    name: oneOf("i0", "i1"),
  }),
  "egress.port": fc.record({
    number: oneOf(...PORTS),
    protocol: oneOf("HTTP", "TCP", "TLS", "GRPC"),
    name: oneOf("e0", "e1"),
  }),
  protocol: oneOf("HTTP", "TCP", "TLS", "GRPC", "HTTP2", "HTTPS", "", "MONGO", "REDIS"),
  "ports.number": oneOf(...PORTS),
  number: oneOf(...PORTS),
  "match.port": oneOf(...PORTS),
  "redirect.port": oneOf(...PORTS),
  targetPort: oneOf(...PORTS),
  "tunnel.protocol": oneOf("CONNECT", "POST"),
  targetHost: oneOf("a.test", "10.0.0.1"),
  "ports.name": oneOf("http", "tcp", "tls-x", "grpc-y", "any"),
  "subsets.name": oneOf("v1", "v2"),
  subset: oneOf("v1", "v2"),
  defaultEndpoint: oneOf("127.0.0.1:28090", "unix:///tmp/none.sock", "0.0.0.0:28091"),
  name: oneOf("one", "two", "x-1", "x-2"),
  namespace: oneOf(...NAMESPACES),
  namespaces: several("default", "other*", "*"),
  notNamespaces: several("default", "x"),
  sourceNamespace: oneOf("default", "other"),
  values: several("v", "10.0.0.0/8", "a*", "*", "28080"),
  notValues: several("v", "10.0.0.0/8"),
  "when.key": oneOf(
    "request.headers[x-a]",
    "source.ip",
    "remote.ip",
    "source.namespace",
    "source.principal",
    "request.auth.claims[iss]",
    "destination.port",
    "destination.ip",
    "connection.sni",
    "experimental.envoy.filters.a.b[c]",
  ),
  "operation.ports": several("28080", "28081"),
  "operation.notPorts": several("28080"),
  paths: several("/a", "/a/*", "*/b", "*", "/a/{*}/b", "/x/{**}"),
  notPaths: several("/a", "*/c"),
  methods: several("GET", "P*"),
  notMethods: several("PUT"),
  principals: several("cluster.local/ns/default/sa/a", "*", "*/sa/b"),
  notPrincipals: several("cluster.local/ns/default/sa/a"),
  requestPrincipals: several("iss/sub", "*", "iss/*"),
  notRequestPrincipals: several("iss/sub"),
  serviceAccounts: several("a", "default/b"),
  notServiceAccounts: several("a"),
  ipBlocks: several("10.0.0.0/8", "1.2.3.4", "fd00::/8"),
  notIpBlocks: several("10.0.0.0/8"),
  remoteIpBlocks: several("10.0.0.0/8"),
  notRemoteIpBlocks: several("1.2.3.4"),
  trustDomains: several("cluster.local"),
  notTrustDomains: several("other.local"),
  sourceSubnets: several("10.0.0.0/8", "fd00::1"),
  destinationSubnets: several("10.0.0.0/8", "127.0.0.0/24"),
  matchLabels: fc.constant({ app: "a" }),
  labels: oneOf({ version: "v1" }, { version: "v2" }, { app: "a" }),
  sourceLabels: oneOf({ app: "a" }, { app: "b" }),
  "Gateway.selector": fc.constant({ app: "a" }),
  locality: oneOf("r/z1", "r/z2/s", "q"),
  network: oneOf("n1", "n2"),
  weight: oneOf(1, 2, 50, 100),
  resolution: oneOf("STATIC", "STATIC", "STATIC", "NONE", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"),
  "ServiceEntry.endpoints.labels": oneOf({ version: "v1" }, { version: "v2" }),
  priority: oneOf(0, 1, 2),
  percentage: fc.record({ value: oneOf(0, 0.01, 25, 100) }),
  httpStatus: oneOf(418, 503, 200),
  grpcStatus: oneOf("NOT_FOUND", "UNAVAILABLE"),
  status: oneOf(200, 404, 503),
  redirectCode: oneOf(301, 302, 303, 307, 308),
  prefixRewrite: oneOf("/n"),
  retryOn: oneOf("5xx", "gateway-error,reset", "connect-failure,503", "retriable-status-codes"),
  attempts: oneOf(1, 3),
  uri: oneOf({ exact: "/x" }, { prefix: "/" }, { prefix: "/a" }, { prefix: "/a/" }, { regex: "/[a-z]+(/.*)?" }, {}),
  "rewrite.uri": oneOf("/", "/n", "n"),
  "redirect.uri": oneOf("/n", "/", "%PREFIX()%"),
  "uriRegexRewrite.match": oneOf("/(a|b)/(.*)", "^/x"),
  "uriRegexRewrite.rewrite": oneOf("/\\2/\\1", "/y"),
  scheme: oneOf("https", "http"),
  "match.scheme": oneOf({ exact: "https" }, { prefix: "h" }),
  "match.authority": oneOf({ exact: "a.test" }, { prefix: "a" }, { regex: "a.*" }),
  exact: oneOf("v", "GET", "a.test", "é"),
  prefix: oneOf("v", "G"),
  regex: oneOf("v.*", "[a-z]+", "(?i)x", ".*"),
  "match.headers": fc.dictionary(
    oneOf("x-a", "cookie", ":authority", "Host"),
    oneOf({ exact: "v" }, { prefix: "a" }, { regex: "b+" }, {}),
    { maxKeys: 2 },
  ),
  withoutHeaders: fc.dictionary(oneOf("x-b", ":method"), oneOf({ exact: "v" }, { regex: "*" }, {}), { maxKeys: 1 }),
  queryParams: fc.dictionary(oneOf("q", "p"), oneOf({ exact: "v" }, { prefix: "a" }, { regex: "b+" }, {}), {
    maxKeys: 2,
  }),
  set: fc.dictionary(oneOf("x-c", "Host", "x-d"), oneOf("v", "%REQ(x-a)%", "100%%", ""), { maxKeys: 2 }),
  add: fc.dictionary(oneOf("x-c", "x-d"), oneOf("v", "%DOWNSTREAM_REMOTE_ADDRESS%"), { maxKeys: 2 }),
  remove: several("x-e", "x-f"),
  allowOrigin: several("http://a.test", "*"),
  allowMethods: several("GET", "POST"),
  allowHeaders: several("x-a"),
  exposeHeaders: several("x-b"),
  string: oneOf("body", ""),
  bytes: oneOf("aGVsbG8="),
  statPrefix: oneOf("s", "a.b"),
  "providers.name": oneOf(...PROVIDERS.map(({ name }) => name), "prometheus"),
  "AuthorizationPolicy.provider": oneOf({ name: "asker" }, { name: "asker-http" }),
  expression: oneOf("response.code >= 400", "'x-a' in request.headers", "source.port == 1"),
  customTags: oneOf({ a: { literal: { value: "v" } } }, { b: { header: { name: "x-b", defaultValue: "d" } } }),
  issuer: oneOf("one", "two"),
  jwks: fc.constant(JWKS),
  audiences: several("shop", "bank"),
  fromHeaders: oneOf([{ name: "x-token", prefix: "Bearer " }], [{ name: "authorization" }]),
  fromParams: several("token"),
  fromCookies: several("session"),
  outputPayloadToHeader: oneOf("x-payload"),
  outputClaimToHeaders: oneOf([{ header: "x-claim", claim: "sub" }]),
  portLevelMtls: fc.dictionary(
    oneOf("28080", "28081", "27017"),
    fc.record({ mode: oneOf("STRICT", "PERMISSIVE", "DISABLE", "UNSET") }),
    {
      minKeys: 1,
      maxKeys: 2,
    },
  ),
  credentialName: oneOf("cert-a", "cert-b"),
  serverCertificate: oneOf("/etc/certs/tls.crt"),
  privateKey: oneOf("/etc/certs/tls.key"),
  caCertificates: oneOf("/etc/certs/ca.crt"),
  subjectAltNames: several("a.test", "spiffe://cluster.local/ns/default/sa/a"),
  sni: oneOf("a.test"),
  cipherSuites: several("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
  ecdhCurves: several("P-256", "X25519"),
  verifyCertificateSpki: several("NvqYIYSbgK2vCJpQhObf77vv+bQWtc5ek5RIOwPiC9A="),
  verifyCertificateHash: several("df6ff72fe9116521268f6f2dd4966f51df479883fe7037b39f75916ac3049d1a"),
  httpHeaderName: oneOf("x-h"),
  httpQueryParameterName: oneOf("q"),
  path: oneOf("/", "/p"),
  "distribute.from": oneOf("r/z1", "r"),
  "distribute.to": oneOf({ "r/z1": 80, q: 20 }, { "*": 100 }),
  "failover.from": oneOf("r", "q"),
  "failover.to": oneOf("q", "r"),
  failoverPriority: several("topology.kubernetes.io/region", "version=v1", "app"),
  minimumRingSize: oneOf(0, 1024, 2048),
  tableSize: oneOf(251, 65_537),
  maxEjectionPercent: oneOf(0, 50, 100),
  minHealthPercent: oneOf(0, 50),
  mirrorPercent: oneOf(0, 50, 100),
  percent: oneOf(0, 20, 100),
  outlierDetectionHttpErrorCodes: several(500, 503),
};

/** Not asked for: they need a file or secret that is not there, so the cluster would warm for ever. */
const ABSENT: ReadonlySet<string> = new Set([
  "DestinationRule.trafficPolicy.tls.credentialName",
  "ServiceEntry.workloadSelector",
  "tls.caCrl",
  "VirtualService.http.delegate",
  "jwtRules.jwksUri",
  "workloadSelector.targetRef",
  "targetRef",
  "targetRefs",
  // Envoy 1.40 ends by a segmentation fault when a listener that did not bind (0.0.0.0_28080 of what goes out) is replaced by one
  // of the same name that does (that of a Sidecar's ingress).
  "ingress.captureMode",
]);
const CLIENT_FILES: ReadonlySet<string> = new Set([
  "clientCertificate",
  "privateKey",
  "caCertificates",
  "credentialName",
]);

/** Without these an object does nothing. */
const PRESENT: ReadonlySet<string> = new Set([
  "http",
  "match",
  "route",
  "ports",
  "endpoints",
  "servers",
  "egress",
  "rules",
  "resolution",
  "selector",
  "uri",
  "hosts",
  "trafficPolicy",
  "mtls",
  "gateways",
  "location",
  "jwtRules",
  "jwks",
  "issuer",
  "providers",
  "provider",
]);

const known = <T>(table: { get(key: string): T | undefined }, names: readonly string[]): T | undefined => {
  for (let from = 0; from < names.length; from++) {
    const found = table.get(names.slice(from).join("."));
    if (found !== undefined) return found;
  }
  return undefined;
};

/** Values of the right shape; `names` is the way to it. */
function shaped(
  schema: Schema,
  names: readonly string[],
  fields: ReadonlyMap<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<unknown> {
  const info = messageInfo(schema);
  const chosen = known(fields, names);
  if (chosen && names.length > 1) return chosen;
  if (info) {
    const members = Object.entries(info.fields).flatMap(([name, { presence, schema: field }]) => {
      const way = [...names, name];
      if (known({ get: (key) => ABSENT.has(key) || undefined }, way)) return [];
      if (names[0] === "DestinationRule" && CLIENT_FILES.has(name)) return [];
      const value = shaped(field, way, fields);
      if (presence === "required") return [[name, value] as const];
      const weight = PRESENT.has(name) ? 24 : 1;
      return [
        [name, fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight, arbitrary: value })] as const,
      ];
    });
    return fc
      .tuple(fc.record(Object.fromEntries(members)), fc.nat(11))
      .map(([value, pick]) => withoutUndefined(value, info.oneofs, pick));
  }
  const def = schema._zod.def as { type: string; element?: Schema; valueType?: Schema; entries?: object };
  if (def.element) return fc.array(shaped(def.element, names, fields), { minLength: 1, maxLength: 2, size: "max" });
  if (def.valueType) return fc.dictionary(oneOf("a", "b"), shaped(def.valueType, names, fields), { maxKeys: 2 });
  if (def.entries) return fc.constantFrom(...Object.keys(def.entries));
  if (def.type === "boolean") return fc.boolean();
  if (def.type === "number") return oneOf(0, 1, 2, 10, 100);
  return oneOf("1s", "5s", "0.250s", "10s", "1h");
}

function withoutUndefined(value: Document, oneofs: readonly (readonly string[])[], pick: number) {
  const kept = { ...value };
  for (const group of oneofs) {
    const set = group.filter((name) => kept[name] !== undefined);
    for (const [at, name] of set.entries()) if (at !== pick % set.length) delete kept[name];
  }
  return Object.fromEntries(Object.entries(kept).filter(([, item]) => item !== undefined));
}

/** What is wrong is taken out, until the rest is valid; undefined when nothing is left to take. */
export function repaired(document: Document): Document | undefined {
  let current: Document | undefined = document;
  for (let round = 0; round < 12 && current; round++) {
    const { valid, diagnostics } = validateDocument(current);
    if (valid) return current;
    const wrong = diagnostics.filter(({ severity }) => severity === "error");
    const [path] = wrong
      .map((one) => (one.path ? (parsePath(one.path) as Path) : []))
      .sort((a, b) => b.length - a.length);
    if (!path || path.length < 2) return undefined;
    current = without(current, path) as Document;
  }
  return undefined;
}

function without(value: unknown, [head, ...rest]: Path): unknown {
  if (head === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    if (rest.length === 0) return value.filter((_, index) => index !== Number(head));
    return value.map((item, index) => (index === Number(head) ? without(item, rest) : item));
  }
  const { [head]: child, ...others } = value as Record<string, unknown>;
  return rest.length === 0 || child === undefined ? others : { ...others, [head]: without(child, rest) };
}

function documentsOf(kind: KindName, count: number, around: Surroundings): fc.Arbitrary<Document[]> {
  const { net, own } = around;
  const { schema, group, versions } = KINDS[kind];
  const fields = new Map(Object.entries(FIELDS))
    .set("ServiceEntry.hosts", fc.uniqueArray(oneOf(...HOSTS, "*.sub.test"), { minLength: 1, maxLength: 2 }))
    .set("ServiceEntry.addresses", several(`127.0.${net}.50`, `127.0.${net}.51`, `127.0.${net}.52`))
    .set("address", oneOf(own, own, `127.0.${net}.60`, `127.0.${net}.61`))
    .set("bind", oneOf(`127.0.${net}.70`, `127.0.${net}.71`, "127.0.0.1"))
    .set("ServiceEntry.endpoints.ports", fc.dictionary(oneOf("http", "tcp", "any"), oneOf(...PORTS), { maxKeys: 2 }));
  const document = fc
    .record({
      spec: shaped(schema, [kind], fields),
      name: oneOf("one", "two", "three", "four"),
      namespace: oneOf("default", ...NAMESPACES),
    })
    .map(({ spec, name, namespace }) => ({
      apiVersion: `${group}/${versions[0]}`,
      kind,
      metadata: { name, namespace },
      spec,
    }));
  const selector = (one: { metadata: { name: string; namespace: string } }) =>
    `${one.metadata.namespace}/${one.metadata.name}`;
  return fc
    .uniqueArray(document, { selector, minLength: Math.ceil(count / 2), maxLength: count, size: "max" })
    .map((list) => list.map(repaired).filter((one) => one !== undefined));
}

/** The documents of one mesh. */
export function meshes(around: Surroundings): fc.Arbitrary<Document[]> {
  return fc
    .tuple(
      documentsOf("ServiceEntry", 6, around),
      documentsOf("VirtualService", 5, around),
      documentsOf("DestinationRule", 5, around),
      documentsOf("Gateway", 3, around),
      fc.oneof(
        { weight: 2, arbitrary: fc.constant<Document[]>([]) },
        { weight: 1, arbitrary: documentsOf("Sidecar", 1, around) },
      ),
      documentsOf("PeerAuthentication", 2, around),
      documentsOf("AuthorizationPolicy", 3, around),
      documentsOf("RequestAuthentication", 2, around),
      documentsOf("Telemetry", 2, around),
    )
    .map((lists) => lists.flat());
}
