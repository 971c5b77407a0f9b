// Longer than most: one small mesh, and a table for each concern of a cluster.
import type { ConfigObject, DestinationRule, MeshConfig, Sidecar } from "@fairlead/config";
import { Derivations, Mesh, type Query } from "@fairlead/mesh";
import { aNode, anEndpoint, anObject, aService, aWorkload } from "@fairlead/mesh/testing";
import { type ProxyNode, type Service, serviceKey } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import type { Cluster } from "../../proto/types.ts";
import type { Generated, Provenance, Source } from "../generated.ts";
import { clusterGenerator } from "./generator.ts";

const HOST = "a.default.svc.cluster.local";
const NAME = `outbound|9080||${HOST}`;

interface Given {
  readonly services?: readonly Service[];
  readonly config?: readonly ConfigObject[];
  readonly meshConfig?: MeshConfig;
}

function meshOf({ services = [aService(HOST)], config = [], meshConfig = {} }: Given): Mesh {
  return Mesh.of({
    meshConfig,
    services,
    config,
    endpoints: services.map((service) => [
      serviceKey(service),
      {
        hostname: service.hostname,
        namespace: service.namespace,
        endpoints: [anEndpoint("10.0.0.5", { serviceAccount: "a" })],
      },
    ]),
    workloads: [aWorkload("client", { addresses: ["10.0.0.1"], labels: { app: "client" } })],
  });
}

function all(given: Given, node = aNode(), provenance?: Provenance): ReadonlyMap<string, Generated<Cluster>> {
  const whole: Query<void, readonly Generated<Cluster>[]> = {
    name: "all",
    key: () => "",
    compute: (read) =>
      clusterGenerator.units(read).flatMap((unit) => clusterGenerator.generate(read, unit, provenance)),
  };
  return new Map(
    new Derivations(meshOf(given), { traced: true }).ask(whole, undefined, node).map((one) => [one.name, one]),
  );
}

const names = (given: Given, node = aNode()) => [...all(given, node).keys()];
const rule = (spec: Omit<DestinationRule, "host">, name = "a") =>
  anObject("DestinationRule", name, { host: HOST, ...spec });
const router: ProxyNode = { ...aNode(), type: "router" };
const STATIC = ["BlackHoleCluster", "PassthroughCluster", "InboundPassthroughCluster"];

describe("which clusters", () => {
  const port = (number: number, protocol: Service["ports"][number]["protocol"]) => ({
    number,
    name: `p${number}`,
    protocol,
  });
  test.each<[string, Partial<Service>, readonly string[]]>([
    [
      "one a port, none for UDP",
      { ports: [port(80, "HTTP"), port(53, "UDP"), port(81, "TCP")] },
      ["outbound|80||a", "outbound|81||a"],
    ],
    ["one a port number", { ports: [port(80, "HTTP"), { ...port(80, "TCP"), name: "again" }] }, ["outbound|80||a"]],
    ["none for another name of a service", { resolution: "Alias", ports: [port(80, "HTTP")] }, []],
    ["a name without endpoints is nothing to resolve", { resolution: "DNSLB", ports: [port(80, "HTTP")] }, []],
    [
      "a wildcard is resolved by what names its host",
      { hostname: "*.a", resolution: "DynamicDNS", ports: [port(80, "HTTP"), port(81, "TCP")] },
      ["outbound|80||*.a"],
    ],
  ])("%s", (_, fields, expected) => {
    expect(names({ services: [aService("a", fields)] }).filter((name) => !STATIC.includes(name))).toEqual(expected);
  });

  test("subsets, also for a gateway; a gateway has no original destinations", () => {
    const config = [rule({ subsets: [{ name: "v1" }, { name: "v2" }] })];
    const expected = [NAME, `outbound|9080|v1|${HOST}`, `outbound|9080|v2|${HOST}`];
    expect(names({ config })).toEqual([...STATIC, ...expected]);
    expect(names({ config }, router)).toEqual(["BlackHoleCluster", ...expected]);
  });

  test("where hosts listen on another port than the one dialled, it is that to which connections go", () => {
    const of = (fields: Partial<Service>) => {
      const service = aService("a", { resolution: "Passthrough", registry: "External", ...fields });
      return all({ services: [service] }).get("outbound|80||a")?.resource;
    };
    const ports = [{ ...port(80, "HTTP"), targetPort: 8080 }];
    expect(of({ ports })).toMatchObject({ type: "ORIGINAL_DST", originalDstLbConfig: { upstreamPortOverride: 8080 } });
    expect(of({ ports: [port(80, "HTTP")] })).not.toHaveProperty("originalDstLbConfig");
    expect(of({ ports, registry: "Kubernetes" })).not.toHaveProperty("originalDstLbConfig");
  });

  test("a gateway that passes mTLS through has clusters by SNI, without TLS of its own", () => {
    const tls = { mode: "AUTO_PASSTHROUGH" } as const;
    const servers = [{ port: { number: 15443, name: "tls", protocol: "TLS" }, hosts: ["*"], tls }];
    const config = [anObject("Gateway", "g", { servers }), rule({ subsets: [{ name: "v1" }] })];
    const services = [aService(HOST), aService("x.example", { meshExternal: true })];
    const made = all({ services, config }, router);
    const bySni = [...made.keys()].filter((name) => name.startsWith("outbound_."));
    expect(bySni).toEqual([`outbound_.9080_._.${HOST}`, `outbound_.9080_.v1_.${HOST}`]);
    expect(made.get(bySni[0] ?? "")?.resource).not.toHaveProperty("transportSocketMatches");
    expect(made.get(NAME)?.resource).toHaveProperty("transportSocketMatches");
  });

  test("a Sidecar leaves some ports of a service", () => {
    const services = [
      aService(HOST, { ports: [port(80, "HTTP"), port(81, "TCP")] }),
      aService("b.default.svc.cluster.local"),
    ];
    const spec: Sidecar = { egress: [{ port: { number: 81, name: "t", protocol: "TCP" }, hosts: [`./${HOST}`] }] };
    expect(names({ services, config: [anObject("Sidecar", "s", spec)] })).toEqual([...STATIC, `outbound|81||${HOST}`]);
  });

  test("unknown hosts may be resolved", () => {
    const meshConfig: MeshConfig = { outboundTrafficPolicy: { mode: "ALLOW_ANY_DYNAMIC_DNS" } };
    expect(names({ services: [], meshConfig })).toEqual([...STATIC, "AllowAnyDynamicDNSCluster"]);
  });
});

describe("TLS", () => {
  const settings = (given: Given, node = aNode(), name = NAME) => {
    const { transportSocket, transportSocketMatches } = all(given, node).get(name)?.resource ?? {};
    return transportSocketMatches ? "auto" : (transportSocket?.name ?? "plaintext");
  };
  const TLS = "envoy.transport_sockets.tls";
  const cred = (workloadSelector?: object) =>
    rule({
      trafficPolicy: { tls: { mode: "SIMPLE", credentialName: "c" } },
      ...(workloadSelector ? { workloadSelector } : {}),
    });
  const strict = anObject("PeerAuthentication", "p", { mtls: { mode: "DISABLE" } }, { namespace: "istio-system" });
  test.each<[string, Given, ProxyNode, string]>([
    ["is automatic", {}, aNode(), "auto"],
    ["for gateways too", {}, router, "auto"],
    ["not outside the mesh", { services: [aService(HOST, { meshExternal: true })] }, aNode(), "plaintext"],
    ["not when the mesh says no", { meshConfig: { enableAutoMtls: false } }, aNode(), "plaintext"],
    ["not when the servers say no", { config: [strict] }, aNode(), "plaintext"],
    [
      "the rule may insist",
      { config: [strict, rule({ trafficPolicy: { tls: { mode: "ISTIO_MUTUAL" } } })] },
      aNode(),
      TLS,
    ],
    ["or refuse", { config: [rule({ trafficPolicy: { tls: { mode: "DISABLE" } } })] }, aNode(), "plaintext"],
    ["original destinations all take it", { services: [aService(HOST, { resolution: "Passthrough" })] }, aNode(), TLS],
    ["credentials by name are for gateways", { config: [cred()] }, router, TLS],
    ["not for all sidecars", { config: [cred()] }, aNode(), "plaintext"],
    ["but for selected ones", { config: [cred({ matchLabels: {} })] }, aNode(), TLS],
    [
      "MUTUAL needs a certificate",
      { config: [rule({ trafficPolicy: { tls: { mode: "MUTUAL" } } })] },
      aNode(),
      "plaintext",
    ],
  ])("%s", (_, given, node, expected) => {
    expect(settings(given, node)).toBe(expected);
  });

  test("names are those of the endpoints, under every name of the trust domain", () => {
    const made = all({ meshConfig: { trustDomain: "td", trustDomainAliases: ["old"] } }).get(NAME)?.resource;
    expect(JSON.stringify(made?.transportSocketMatches)).toContain(
      '"matchSubjectAltNames":[{"exact":"spiffe://old/ns/default/sa/a"},{"exact":"spiffe://td/ns/default/sa/a"}]',
    );
  });

  test("certificate files of the proxy stand in for its agent", () => {
    const node = aNode("c.default", "10.0.0.1", {
      TLS_CLIENT_CERT_CHAIN: "/c",
      TLS_CLIENT_KEY: "/k",
      TLS_CLIENT_ROOT_CERT: "/r",
    });
    expect(JSON.stringify(all({}, node).get(NAME)?.resource.transportSocket)).toContain("file-cert:/c~/k");
  });
});

describe("inbound", () => {
  const target = (fields: Partial<Service> = {}) => aService(HOST, { selector: { app: "client" }, ...fields });
  const inbound = (given: Given, node = aNode()) =>
    [...all(given, node).values()].filter(({ name }) => name.startsWith("inbound|")).map(({ resource }) => resource);
  const ingress = (defaultEndpoint?: string): ConfigObject =>
    anObject("Sidecar", "s", {
      ingress: [
        { port: { number: 9999, name: "h", protocol: "HTTP" }, ...(defaultEndpoint ? { defaultEndpoint } : {}) },
      ],
      egress: [{ hosts: ["*/*"] }],
    });

  test("one a workload port, to where the request went", () => {
    const services = [target({ ports: [{ number: 80, name: "http", protocol: "HTTP", targetPort: 8080 }] })];
    expect(inbound({ services })).toMatchObject([
      { name: "inbound|8080||", type: "ORIGINAL_DST", cleanupInterval: "9223372035s" },
    ]);
    expect(inbound({ services, meshConfig: { inboundTrafficPolicy: { mode: "LOCALHOST" } } })).toMatchObject([
      {
        name: "inbound|8080||",
        type: "STATIC",
        loadAssignment: {
          endpoints: [
            { lbEndpoints: [{ endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: 8080 } } } }] },
          ],
        },
      },
    ]);
  });

  test("none without interception, unless a Sidecar says so", () => {
    const node: ProxyNode = { ...aNode(), interceptionMode: "NONE" };
    expect(inbound({ services: [target()] }, node)).toEqual([]);
    expect(inbound({ services: [target()], config: [ingress("127.0.0.1:80")] }, node)).toHaveLength(1);
  });

  test.each([
    [undefined, undefined],
    ["127.0.0.1:8080", { socketAddress: { address: "127.0.0.1", portValue: 8080 } }],
    ["0.0.0.0:8080", { socketAddress: { address: "10.0.0.1", portValue: 8080 } }],
    ["[::]:8080", { socketAddress: { address: "::1", portValue: 8080 } }],
    ["[::1]:8080", { socketAddress: { address: "127.0.0.1", portValue: 8080 } }],
    ["unix:///run/a.sock", { pipe: { path: "/run/a.sock" } }],
  ])("a Sidecar's listener sends to %s", (endpoint, expected) => {
    const [cluster] = inbound({ services: [target()], config: [ingress(endpoint)] });
    expect(cluster?.loadAssignment?.endpoints?.[0]?.lbEndpoints?.[0]?.endpoint?.address).toEqual(expected);
    expect(cluster?.name).toBe("inbound|9999||");
  });

  test("takes the connection pool of its clients; a Sidecar's own goes first", () => {
    const pool = (maxConnections: number) => ({ tcp: { maxConnections } });
    const config = [rule({ trafficPolicy: { connectionPool: pool(5) } })];
    const own = anObject("Sidecar", "s", { egress: [{ hosts: ["*/*"] }], inboundConnectionPool: pool(7) });
    const limit = (given: Given) =>
      inbound({ services: [target()], ...given })[0]?.circuitBreakers?.thresholds?.[0]?.maxConnections;
    expect([limit({}), limit({ config }), limit({ config: [...config, own] })]).toEqual([4_294_967_295, 5, 7]);
  });
});

describe("where it came from", () => {
  const of = (object: ConfigObject) => ({
    kind: object.kind,
    namespace: object.metadata.namespace,
    name: object.metadata.name,
  });
  const first = rule({ trafficPolicy: { tls: { mode: "SIMPLE" } } }, "first");
  const second = rule({ subsets: [{ name: "v2", trafficPolicy: { outlierDetection: {} } }] }, "second");
  const given: Given = { config: [first, second] };
  const service = { kind: "Service", namespace: "default", name: "a" };

  test("every cluster names its service and all its rules", () => {
    const made = all(given);
    for (const name of [NAME, `outbound|9080|v2|${HOST}`])
      expect(made.get(name)?.sources).toEqual([service, of(first), of(second)]);
    expect(made.get("BlackHoleCluster")?.sources).toEqual([]);
  });

  test("inbound clusters name their service and rule", () => {
    const services = [aService(HOST, { selector: { app: "client" } })];
    expect(all({ ...given, services }).get("inbound|9080||")?.sources).toEqual([service, of(first)]);
  });

  test("parts of a policy lead to their place, resources are the same with and without", () => {
    const provenance: Provenance = new WeakMap<object, Source>();
    const made = all(given, aNode(), provenance);
    expect([...made.values()].map(({ resource }) => resource)).toEqual(
      [...all(given).values()].map(({ resource }) => resource),
    );
    const whole = made.get(NAME)?.resource ?? {};
    const subset = made.get(`outbound|9080|v2|${HOST}`)?.resource ?? {};
    const at = (node: object | undefined) => node && provenance.get(node);
    expect(at(whole)).toEqual({ object: service, path: "" });
    expect(at(whole.transportSocket)).toEqual({ object: of(first), path: "spec.trafficPolicy.tls" });
    expect(at(subset)).toEqual({ object: of(second), path: "spec.subsets[0]" });
    expect(at(subset.outlierDetection)).toEqual({
      object: of(second),
      path: "spec.subsets[0].trafficPolicy.outlierDetection",
    });
    expect(at(subset.transportSocket)).toEqual({ object: of(first), path: "spec.trafficPolicy.tls" });
  });

  test("what has no effect is said once a service", () => {
    const config = [
      rule({
        trafficPolicy: {
          outlierDetection: { consecutiveErrors: 5 },
          portLevelSettings: [{ port: { number: 1 }, loadBalancer: { simple: "RANDOM", warmup: { duration: "1s" } } }],
        },
        subsets: [{ name: "v1", trafficPolicy: { outlierDetection: { consecutiveErrors: 5 } } }],
      }),
    ];
    const diagnostics = [...all({ config }).values()].flatMap((one) => one.diagnostics);
    expect(diagnostics.map(({ code, path }) => [code, path])).toEqual([
      ["unsupported-field", "spec.trafficPolicy.outlierDetection.consecutiveErrors"],
      ["unsupported-field", "spec.trafficPolicy.portLevelSettings[0].loadBalancer.warmup"],
      ["unsupported-field", "spec.subsets[0].trafficPolicy.outlierDetection.consecutiveErrors"],
    ]);
  });
});

describe("sharing", () => {
  const made: Query<string, readonly Generated<Cluster>[]> = {
    name: "made",
    key: (unit) => unit,
    compute: (read, unit) => clusterGenerator.generate(read, unit),
  };
  const unit = `service default/${HOST}`;

  test("proxies that nothing tells apart have the same object", () => {
    const derivations = new Derivations(meshOf({}));
    const ask = (node: ProxyNode) => derivations.ask(made, unit, node);
    const one = ask(aNode("one.default", "10.0.0.1", { LABELS: { app: "one" } }));
    expect(ask(aNode("two.shop", "10.0.0.2", { LABELS: { app: "two" } }))).toBe(one);
    expect(ask({ ...aNode(), locality: { region: "r", zone: "z", subzone: "" }, network: "n" })).toBe(one);
    expect(ask(router)).not.toBe(one);
  });

  test("endpoints that come and go leave it alone", () => {
    const before = meshOf({});
    const derivations = new Derivations(before);
    const one = derivations.ask(made, unit, aNode());
    const service = { hostname: HOST, namespace: "default" };
    const endpoints = ["10.0.0.5", "10.0.0.6"].map((address) => anEndpoint(address, { serviceAccount: "a" }));
    const previous = { ...service, endpoints: endpoints.slice(0, 1) };
    derivations.advance(
      before.apply({ endpoints: [{ key: `default/${HOST}`, value: { ...service, endpoints }, previous }] }),
    );
    expect(derivations.ask(made, unit, aNode())).toBe(one);
  });
});
