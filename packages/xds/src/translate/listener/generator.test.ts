// Longer than most files: each test is one mesh and what its listeners come to.
import type { ConfigObject, MeshConfig } from "@fairlead/config";
import { Derivations, Mesh, type Query, type Reader } from "@fairlead/mesh";
import { aNode, anEndpoint, anObject, aService } from "@fairlead/mesh/testing";
import { type Endpoint, type Protocol, type ProxyNode, parseNode, type Service, serviceKey } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import type { FilterChain, Listener } from "../../proto/types.ts";
import type { Generated, Provenance } from "../generated.ts";
import { nodeDiagnostics } from "../translate.ts";
import { listenerGenerator } from "./generator.ts";

interface Sources {
  readonly meshConfig?: MeshConfig;
  readonly config?: readonly ConfigObject[];
  readonly services?: readonly Service[];
  readonly endpoints?: Readonly<Record<string, readonly Endpoint[]>>;
}

const all: Query<void, readonly Generated<Listener>[]> = {
  name: "all-listeners",
  key: () => "",
  compute: (read) => listenerGenerator.units(read).flatMap((unit) => read.ask(ofUnit, unit)),
};

const ofUnit: Query<string, readonly Generated<Listener>[]> = {
  name: "listeners-of-unit",
  key: (unit) => unit,
  compute: (read, unit) => listenerGenerator.generate(read, unit),
};

function meshOf({ meshConfig = {}, config = [], services = [], endpoints = {} }: Sources): Mesh {
  return Mesh.of({
    meshConfig,
    config,
    services,
    endpoints: services.flatMap((service) => {
      const given = endpoints[service.hostname];
      const { hostname, namespace } = service;
      return given ? [[serviceKey(service), { hostname, namespace, endpoints: given }] as const] : [];
    }),
  });
}

function listenersOf(sources: Sources, node: ProxyNode = aNode()) {
  const derivations = new Derivations(meshOf(sources));
  const made = derivations.ask(all, undefined, node);
  const ofNode = derivations.ask(nodeDiagnostics, "listeners", node);
  return {
    names: made.map(({ name }) => name).sort(),
    get: (name: string): Listener => {
      const found = made.find((one) => one.name === name);
      if (!found) throw new Error(`no listener ${name} among ${made.map((one) => one.name).join(", ")}`);
      return found.resource;
    },
    problems: [...ofNode, ...made.flatMap(({ diagnostics }) => diagnostics)].map(({ code, object, path }) =>
      `${code} ${object?.kind}/${object?.name} ${path}`.trim(),
    ),
  };
}

const VIRTUAL = ["virtualInbound", "virtualOutbound"];
const aPort = (protocol: Protocol, number = 9000) => [{ number, name: "p", protocol }];
const gateway = (metadata: Record<string, unknown> = {}): ProxyNode => {
  const { node } = parseNode({ id: "router~10.0.0.9~gw-1.default~default.svc.cluster.local", metadata });
  if (!node) throw new Error("bad node");
  return node;
};

/** What a chain does, in short. */
function kind({ filters }: FilterChain): string {
  const config = filters?.at(-1)?.typedConfig as {
    cluster?: string;
    rds?: { routeConfigName: string };
    weightedClusters?: { clusters: { name: string; weight: number }[] };
  };
  if (config.rds) return `routes ${config.rds.routeConfigName}`;
  return (
    config.cluster ?? (config.weightedClusters?.clusters ?? []).map(({ name, weight }) => `${weight} ${name}`).join()
  );
}

const kinds = ({ filterChains = [], defaultFilterChain }: Listener) => [
  ...filterChains.map(kind),
  ...(defaultFilterChain ? [`default ${kind(defaultFilterChain)}`] : []),
];

describe("outbound", () => {
  const a = (protocol: Protocol, fields: Partial<Service> = {}) =>
    aService("a.default.svc.cluster.local", { ports: aPort(protocol), addresses: ["10.96.0.1"], ...fields });
  const b = (protocol: Protocol, fields: Partial<Service> = {}) =>
    aService("b.default.svc.cluster.local", {
      ports: aPort(protocol),
      addresses: ["10.96.0.2"],
      creationTime: "2030-01-01T00:00:00Z",
      ...fields,
    });
  const toA = "outbound|9000||a.default.svc.cluster.local";
  const toB = "outbound|9000||b.default.svc.cluster.local";
  const rest = "default PassthroughCluster";

  test.each<readonly [string, readonly Service[], Readonly<Record<string, readonly string[]>>, readonly string[]]>([
    ["HTTP shares one listener a port", [a("HTTP"), b("GRPC")], { "0.0.0.0_9000": ["routes 9000", rest] }, []],
    ["TCP has its own address", [a("TCP")], { "10.96.0.1_9000": [toA] }, []],
    [
      "an undeclared protocol is detected, with routes of its own",
      [a("Unspecified")],
      { "10.96.0.1_9000": ["routes a.default.svc.cluster.local:9000", `default ${toA}`] },
      [],
    ],
    [
      "TCP without an address beside HTTP",
      [a("HTTP"), b("TCP", { addresses: [] })],
      { "0.0.0.0_9000": ["routes 9000", `default ${toB}`] },
      [],
    ],
    [
      "HTTP after TCP without an address",
      [a("TCP", { addresses: [] }), b("HTTP")],
      { "0.0.0.0_9000": ["routes 9000", `default ${toA}`] },
      [],
    ],
    [
      "two of TCP that nothing tells apart: the older one",
      [a("TCP", { addresses: [] }), b("TCP", { addresses: [] })],
      { "0.0.0.0_9000": [toA] },
      ["listener-conflict Service/b"],
    ],
    [
      "TCP told apart by CIDR",
      [
        a("TCP", { addresses: ["10.1.0.0/16"], registry: "External" }),
        b("TCP", { addresses: ["10.2.0.0/16"], registry: "External" }),
      ],
      { "0.0.0.0_9000": [toA, toB, rest] },
      [],
    ],
    [
      "TLS told apart by name",
      [a("TLS", { addresses: [], registry: "External" }), b("TLS", { addresses: [], registry: "External" })],
      { "0.0.0.0_9000": [toA, toB, rest] },
      [],
    ],
    [
      "a server that speaks first cannot share with HTTP",
      [a("HTTP"), b("MySQL", { addresses: [] })],
      { "0.0.0.0_9000": ["routes 9000", rest] },
      ["listener-conflict Service/b"],
    ],
    [
      "each address of a ServiceEntry is a listener",
      [a("TCP", { addresses: ["10.96.0.1", "10.96.0.7"], registry: "External" })],
      { "10.96.0.1_9000": [toA], "10.96.0.7_9000": [toA] },
      [],
    ],
    ["UDP and other names get none", [a("UDP"), b("HTTP", { resolution: "Alias" })], {}, []],
    ["not on a port of the proxy", [a("HTTP", { ports: aPort("HTTP", 15001) })], {}, ["port-reserved Service/a"]],
  ])("%s", (_, services, expected, problems) => {
    const made = listenersOf({ services });
    expect(made.names).toEqual([...Object.keys(expected), ...VIRTUAL].sort());
    for (const [name, chains] of Object.entries(expected)) expect(kinds(made.get(name))).toEqual(chains);
    expect(made.problems).toEqual(problems);
  });

  test("instances of a service without an address have a listener each, ready or not, but not the node's own", () => {
    const headless = a("TCP", { addresses: [], resolution: "Passthrough", headless: true });
    const endpoint = (ip: string) =>
      anEndpoint(ip, { ports: { p: 9000 }, ...(ip === "10.0.0.3" ? { health: "unhealthy" } : {}) });
    const made = listenersOf({
      services: [headless],
      endpoints: { [headless.hostname]: [endpoint("10.0.0.1"), endpoint("10.0.0.2"), endpoint("10.0.0.3")] },
    });
    expect(made.names).toEqual(["10.0.0.2_9000", "10.0.0.3_9000", ...VIRTUAL]);
    expect(kinds(made.get("10.0.0.2_9000"))).toEqual([toA]);
  });

  test("routes of VirtualServices: weights, addresses, names", () => {
    const route = (subset: string, weight: number) => ({ destination: { host: "a", subset }, weight });
    const vs = anObject("VirtualService", "split", {
      hosts: ["a"],
      tcp: [
        { match: [{ port: 1 }], route: [route("none", 100)] },
        { match: [{ destinationSubnets: ["10.9.0.0/16"] }], route: [route("v1", 0)] },
        { route: [route("v1", 80), route("v2", 20)] },
      ],
    });
    const made = listenersOf({ services: [a("TCP")], config: [vs] }).get("10.96.0.1_9000");
    expect(kinds(made)).toEqual([
      "outbound|9000|v1|a.default.svc.cluster.local",
      "default 80 outbound|9000|v1|a.default.svc.cluster.local,20 outbound|9000|v2|a.default.svc.cluster.local",
    ]);
    expect(made.filterChains?.[0]?.filterChainMatch).toEqual({
      prefixRanges: [{ addressPrefix: "10.9.0.0", prefixLen: 16 }],
    });
  });

  test("HTTP to an undeclared port is announced to the server, unless it may leave the mesh", () => {
    const tls = (mode: "SIMPLE" | "ISTIO_MUTUAL") =>
      anObject("DestinationRule", "a", { host: "a", trafficPolicy: { tls: { mode } } });
    const announces = (service: Service, ...config: ConfigObject[]) =>
      JSON.stringify(listenersOf({ services: [service], config }).get("10.96.0.1_9000")).includes("istio-http/1.1");
    expect(announces(a("Unspecified"))).toBe(true);
    expect(announces(a("Unspecified"), tls("ISTIO_MUTUAL"))).toBe(true);
    expect(announces(a("Unspecified"), tls("SIMPLE"))).toBe(false);
    expect(announces(a("Unspecified", { meshExternal: true }))).toBe(false);
    expect(announces(a("TCP"))).toBe(false);
  });

  test("what the mesh does not know is refused where the policy says so", () => {
    const made = listenersOf({
      meshConfig: { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } },
      services: [a("HTTP")],
    });
    expect(kinds(made.get("virtualOutbound"))).toEqual(["BlackHoleCluster", "BlackHoleCluster"]);
    expect(kinds(made.get("0.0.0.0_9000")).at(-1)).toBe("default BlackHoleCluster");
  });

  test("the forward proxy", () => {
    const made = listenersOf({ meshConfig: { proxyHttpPort: 15007 } });
    expect(made.names).toEqual(["127.0.0.1_15007", ...VIRTUAL]);
    expect(kinds(made.get("127.0.0.1_15007"))).toEqual(["routes http_proxy"]);
    expect(made.get("127.0.0.1_15007").bindToPort).toBeUndefined();
  });

  test("both families of addresses", () => {
    const node = aNode("client-1.default", "10.0.0.1", { INSTANCE_IPS: "10.0.0.1,2001:db8::1" });
    const made = listenersOf({ services: [a("HTTP"), b("TCP", { addresses: ["10.96.0.2", "2001:db8::2"] })] }, node);
    const second = (address: string, portValue: number) => [{ address: { socketAddress: { address, portValue } } }];
    expect(made.get("virtualOutbound").additionalAddresses).toEqual(second("::", 15001));
    expect(made.get("virtualInbound").additionalAddresses).toEqual(second("::", 15006));
    expect(made.get("0.0.0.0_9000").additionalAddresses).toEqual(second("::", 9000));
    expect(made.get("10.96.0.2_9000").additionalAddresses).toEqual(second("2001:db8::2", 9000));
  });
});

describe("a Sidecar without redirection", () => {
  const sidecar = anObject("Sidecar", "page", {
    ingress: [
      { port: { number: 9080, protocol: "HTTP", name: "http" }, bind: "127.0.20.10", defaultEndpoint: "0.0.0.0:8080" },
    ],
    egress: [
      { port: { number: 9081, protocol: "HTTP", name: "http" }, bind: "127.0.21.10", hosts: ["./*"] },
      { port: { protocol: "HTTP", name: "uds" }, bind: "unix:///var/run/egress.sock", hosts: ["./*"] },
      { hosts: ["./*"] },
    ],
  });
  const services = [
    aService("a.default.svc.cluster.local", {
      ports: [
        { number: 9081, name: "http", protocol: "HTTP" },
        { number: 9090, name: "tcp", protocol: "TCP" },
      ],
      addresses: ["10.96.0.1"],
    }),
  ];
  const node = aNode("page-1.default", "127.0.20.10", { INTERCEPTION_MODE: "NONE" });
  const made = listenersOf({ config: [sidecar], services }, node);

  test("every listener is really bound, and there is none that captures", () => {
    expect(made.names).toEqual([
      "127.0.0.1_9081",
      "127.0.0.1_9090",
      "127.0.20.10_9080",
      "127.0.21.10_9081",
      "unix:///var/run/egress.sock_0",
    ]);
    for (const name of made.names) expect(made.get(name).bindToPort).toBeUndefined();
    expect(made.get("unix:///var/run/egress.sock_0").address).toEqual({ pipe: { path: "/var/run/egress.sock" } });
  });

  test("inbound asks for what the policy asks for", () => {
    const strict = anObject("PeerAuthentication", "default", { mtls: { mode: "STRICT" } });
    const inbound = listenersOf({ config: [sidecar, strict], services }, node).get("127.0.20.10_9080");
    expect(
      inbound.filterChains?.map(({ filterChainMatch, transportSocket }) => [filterChainMatch, transportSocket?.name]),
    ).toEqual([[{ destinationPort: 9080, transportProtocol: "tls" }, "envoy.transport_sockets.tls"]]);
    expect(inbound.listenerFilters?.map(({ name }) => name)).toEqual(["envoy.filters.listener.tls_inspector"]);
    const permissive = made.get("127.0.20.10_9080");
    expect(permissive.filterChains?.map(({ transportSocket }) => transportSocket !== undefined)).toEqual([true, false]);
  });

  test("a certificate of the user's needs mTLS to be off", () => {
    const tls = { mode: "SIMPLE", serverCertificate: "/c.pem", privateKey: "/k.pem" } as const;
    const own = anObject("Sidecar", "page", {
      ingress: [{ port: { number: 9080, protocol: "HTTPS", name: "https" }, bind: "127.0.20.10", tls }],
    });
    expect(listenersOf({ config: [own] }, node).problems).toEqual(["tls-conflict Sidecar/page spec.ingress[0].tls"]);
    const off = anObject("PeerAuthentication", "default", { mtls: { mode: "DISABLE" } });
    const made = listenersOf({ config: [own, off] }, node);
    expect(made.problems).toEqual([]);
    expect(kinds(made.get("127.0.20.10_9080"))).toEqual([""]);
    expect(JSON.stringify(made.get("127.0.20.10_9080"))).toContain("file-cert:/c.pem~/k.pem");
  });
});

describe("inbound", () => {
  const service = aService("a.default.svc.cluster.local", {
    ports: [{ number: 80, name: "http", protocol: "HTTP", targetPort: 9080 }],
    selector: { app: "a" },
  });
  const node = (metadata: Record<string, unknown> = {}) =>
    aNode("a-1.default", "10.0.0.1", { LABELS: { app: "a" }, ...metadata });
  const chains = (listener: Listener) =>
    (listener.filterChains ?? []).map(({ name, filterChainMatch: match, transportSocket }) =>
      [name, match?.destinationPort, match?.transportProtocol, transportSocket ? "mTLS" : ""].filter(Boolean).join(" "),
    );

  test("ports may ask for something else than the workload", () => {
    const policy = anObject("PeerAuthentication", "a", {
      selector: { matchLabels: { app: "a" } },
      mtls: { mode: "STRICT" },
      portLevelMtls: { 9080: { mode: "DISABLE" }, 7000: { mode: "PERMISSIVE" } },
    });
    const made = listenersOf({ services: [service], config: [policy] }, node()).get("virtualInbound");
    expect(chains(made)).toEqual([
      "virtualInbound-blackhole 15006",
      "virtualInbound-catchall-http tls mTLS",
      "virtualInbound tls mTLS",
      "virtualInbound-catchall-http 7000 tls mTLS",
      "virtualInbound-catchall-http 7000 raw_buffer",
      "virtualInbound 7000 tls mTLS",
      "virtualInbound 7000 raw_buffer",
      "virtualInbound 7000 tls",
      "0.0.0.0_9080 9080 raw_buffer",
    ]);
  });

  test("TPROXY keeps the client's address", () => {
    const made = listenersOf({ services: [service] }, node({ INTERCEPTION_MODE: "TPROXY" }));
    expect(made.get("virtualInbound").transparent).toBe(true);
    expect(made.get("virtualOutbound").transparent).toBe(true);
    expect(made.get("virtualInbound").listenerFilters?.map(({ name }) => name?.split(".").at(-1))).toEqual([
      "original_dst",
      "original_src",
      "tls_inspector",
      "http_inspector",
    ]);
  });

  test("security filters come before all others", () => {
    const config = [
      anObject("AuthorizationPolicy", "deny", { action: "DENY", rules: [{}] }),
      anObject("RequestAuthentication", "jwt", { jwtRules: [{ issuer: "i", jwks: "{}" }] }),
    ];
    const chain = listenersOf({ services: [service], config }, node())
      .get("virtualInbound")
      .filterChains?.at(-1);
    const manager = chain?.filters?.[0]?.typedConfig as { httpFilters?: { name: string }[] } | undefined;
    expect(manager?.httpFilters?.map(({ name }) => name.split(".").at(-1))).toEqual([
      "jwt_authn",
      "rbac",
      "grpc_stats",
      "fault",
      "cors",
      "router",
    ]);
  });
});

describe("gateways", () => {
  const server = (port: number, protocol: string, fields: object = {}) => ({
    port: { number: port, protocol, name: `${protocol}-${port}`.toLowerCase() },
    hosts: ["*"],
    ...fields,
  });
  const withServers = (...servers: ReturnType<typeof server>[]) => anObject("Gateway", "gw", { selector: {}, servers });

  test("the port is the target port of the gateway's own service", () => {
    const service = aService("gw.default.svc.cluster.local", {
      ports: [{ number: 80, name: "http", protocol: "HTTP", targetPort: 8080 }],
      selector: { istio: "ingress" },
    });
    const node = gateway({ LABELS: { istio: "ingress" } });
    const made = listenersOf({ services: [service], config: [withServers(server(80, "HTTP"))] }, node);
    expect(made.names).toEqual(["0.0.0.0_8080"]);
    expect(kinds(made.get("0.0.0.0_8080"))).toEqual(["routes http.8080"]);
  });

  test("what cannot share a port, or leads nowhere, is said", () => {
    const config = [
      withServers(
        server(80, "HTTP", { defaultEndpoint: "127.0.0.1:80" }),
        server(80, "TCP"),
        server(443, "HTTPS", { tls: { mode: "SIMPLE", credentialName: "c" } }),
        server(9000, "TCP"),
        server(15008, "HBONE"),
      ),
      anObject("VirtualService", "tunnel", {
        hosts: ["*"],
        gateways: ["gw"],
        tcp: [{ match: [{ port: 15008 }], route: [{ destination: { host: "a.default.svc.cluster.local" } }] }],
      }),
    ];
    const made = listenersOf({ config }, gateway());
    expect(made.names).toEqual(["0.0.0.0_15008", "0.0.0.0_443", "0.0.0.0_80"]);
    expect(made.problems.sort()).toEqual([
      "gateway-server-conflict Gateway/gw spec.servers[1]",
      "server-without-routes Gateway/gw spec.servers[3]",
      "unsupported-field Gateway/gw spec.servers[0].defaultEndpoint",
      "unsupported-field Gateway/gw spec.servers[4].port.protocol",
    ]);
  });

  test("addresses of their own, PROXY protocol, trusted proxies", () => {
    const meshConfig: MeshConfig = { defaultConfig: { gatewayTopology: { numTrustedProxies: 2, proxyProtocol: {} } } };
    const config = [withServers(server(80, "HTTP", { bind: "127.0.0.2" }), server(80, "HTTP"))];
    const made = listenersOf({ meshConfig, config }, gateway());
    expect(made.names).toEqual(["0.0.0.0_80", "127.0.0.2_80"]);
    expect(kinds(made.get("127.0.0.2_80"))).toEqual(["routes http.80.127.0.0.2"]);
    expect(made.get("0.0.0.0_80").listenerFilters?.map(({ name }) => name)).toEqual([
      "envoy.filters.listener.proxy_protocol",
    ]);
    expect(JSON.stringify(made.get("0.0.0.0_80"))).toContain('"xffNumTrustedHops":2');
  });

  test("policies that name a Gateway hold for its proxies", () => {
    const policy = anObject("AuthorizationPolicy", "deny", {
      action: "DENY",
      rules: [{}],
      targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "main" }],
    });
    const config = [withServers(server(80, "HTTP")), policy];
    const of = (name: string) =>
      JSON.stringify(
        listenersOf({ config }, gateway({ LABELS: { "gateway.networking.k8s.io/gateway-name": name } })).get(
          "0.0.0.0_80",
        ),
      ).includes('"name":"envoy.filters.http.rbac"');
    expect([of("main"), of("other")]).toEqual([true, false]);
  });
});

test("a gateway without a listener says why", () => {
  const servers = [{ port: { number: 443, name: "tls", protocol: "TLS" }, hosts: ["*"], tls: { mode: "PASSTHROUGH" } }];
  const made = listenersOf({ config: [anObject("Gateway", "idle", { servers } as never)] }, gateway());
  expect(made.names).toEqual([]);
  expect(made.problems).toEqual(["server-without-routes Gateway/idle spec.servers[0]"]);
});

test("what has no effect on a running proxy is said once a node", () => {
  const config = [anObject("ProxyConfig", "p", { concurrency: 1 }), anObject("Telemetry", "t", { metrics: [{}] })];
  expect(listenersOf({ config }).problems).toEqual([
    "unsupported-field ProxyConfig/p spec.concurrency",
    "unsupported-field Telemetry/t spec.metrics[0]",
  ]);
});

test("replicas share every listener, namespaces what does not show them", () => {
  const services = [
    aService("a.default.svc.cluster.local", { ports: aPort("HTTP") }),
    aService("b.default.svc.cluster.local", { ports: aPort("TCP"), addresses: ["10.96.0.2"] }),
  ];
  const derivations = new Derivations(meshOf({ services }));
  const of = (name: string, ip: string) =>
    new Map(derivations.ask(all, undefined, aNode(name, ip)).map((one) => [one.name, one]));
  const first = of("x-1.one", "10.0.0.1");
  const replica = of("x-2.one", "10.0.0.2");
  const elsewhere = of("y-1.two", "10.0.0.3");
  for (const [name, one] of first) expect(replica.get(name)).toBe(one);
  const shared = [...first].filter(([name, one]) => elsewhere.get(name) === one).map(([name]) => name);
  expect(shared.sort()).toEqual(["10.96.0.2_9000", "virtualOutbound"]);
});

test("parts say which object made them", () => {
  const policy = anObject("AuthorizationPolicy", "deny", { action: "DENY", rules: [{}] });
  const vs = anObject("VirtualService", "v", {
    hosts: ["b"],
    tcp: [
      {
        route: [
          { destination: { host: "b", subset: "x" }, weight: 50 },
          { destination: { host: "b" }, weight: 50 },
        ],
      },
    ],
  });
  const services = [aService("b.default.svc.cluster.local", { ports: aPort("TCP"), addresses: ["10.96.0.2"] })];
  const provenance: Provenance = new WeakMap();
  const traced: Query<string, readonly Generated<Listener>[]> = {
    name: "traced",
    key: (unit) => unit,
    compute: (read: Reader, unit) => listenerGenerator.generate(read, unit, provenance),
  };
  const derivations = new Derivations(meshOf({ services, config: [policy, vs] }), { traced: true });
  const [outbound] = derivations.ask(traced, "outbound|10.96.0.2_9000", aNode());
  const proxy = outbound?.resource.filterChains?.[0]?.filters?.[0];
  const config = proxy?.typedConfig as { weightedClusters?: { clusters: object[] } } | undefined;
  expect(provenance.get(proxy ?? {})).toMatchObject({ object: { name: "v" }, path: "spec.tcp[0]" });
  expect(provenance.get(config?.weightedClusters?.clusters[1] ?? {})).toMatchObject({ path: "spec.tcp[0].route[1]" });
  const [inbound] = derivations.ask(traced, "virtualInbound", aNode());
  const chain = inbound?.resource.filterChains?.find(({ name }) => name === "virtualInbound-catchall-http");
  const manager = chain?.filters?.[0]?.typedConfig as { httpFilters?: object[] } | undefined;
  expect(provenance.get(manager?.httpFilters?.[0] ?? {})?.object).toEqual({
    kind: "AuthorizationPolicy",
    namespace: "default",
    name: "deny",
  });
  expect(inbound?.sources).toContainEqual({ kind: "AuthorizationPolicy", namespace: "default", name: "deny" });
});
