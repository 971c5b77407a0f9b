// Longer than most: one small mesh, and a table for each concern of an assignment.
import type { ConfigObject, DestinationRule, MeshConfig, MeshNetworks, PeerAuthentication } from "@fairlead/config";
import { Derivations, Mesh, type Query } from "@fairlead/mesh";
import { aNode, anEndpoint, anObject, aService } from "@fairlead/mesh/testing";
import { type Endpoint, type ProxyNode, parseLocality, type Service, serviceKey } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import type { ClusterLoadAssignment } from "../../proto/types.ts";
import type { Generated } from "../generated.ts";
import { endpointGenerator } from "./generator.ts";

const HOST = "a.default.svc.cluster.local";
const NAME = `outbound|9080||${HOST}`;

interface Given {
  readonly endpoints: readonly Endpoint[];
  readonly service?: Partial<Service>;
  readonly config?: readonly ConfigObject[];
  readonly meshConfig?: MeshConfig;
  readonly meshNetworks?: MeshNetworks;
}

function meshOf({ endpoints, service: fields = {}, config = [], meshConfig = {}, meshNetworks }: Given): Mesh {
  const service = aService(HOST, fields);
  const { hostname, namespace } = service;
  return Mesh.of({
    meshConfig,
    ...(meshNetworks ? { meshNetworks } : {}),
    services: [service],
    endpoints: [[serviceKey(service), { hostname, namespace, endpoints }]],
    config,
  });
}

const made: Query<string, readonly Generated<ClusterLoadAssignment>[]> = {
  name: "made",
  key: (name) => name,
  compute: (read, name) => endpointGenerator.generate(read, name),
};
const units: Query<void, readonly string[]> = {
  name: "units",
  key: () => "",
  compute: (read) => endpointGenerator.units(read),
};

function assignment(given: Given, node = aNode(), name = NAME): ClusterLoadAssignment | undefined {
  return new Derivations(meshOf(given)).ask(made, name, node)[0]?.resource;
}

/** Addresses by locality, each with its weight and what else is said. */
function addresses(given: Given, node = aNode(), name = NAME): unknown {
  return assignment(given, node, name)?.endpoints?.map(({ lbEndpoints = [], priority = 0 }) => [
    ...lbEndpoints.map(({ endpoint, loadBalancingWeight, healthStatus, metadata }) =>
      [
        endpoint?.address?.socketAddress?.address ?? endpoint?.address?.pipe?.path,
        ...(loadBalancingWeight === 1 ? [] : [`x${loadBalancingWeight}`]),
        ...(healthStatus ? [healthStatus] : []),
        ...(metadata?.filterMetadata?.["envoy.transport_socket_match"] ? ["mtls"] : []),
      ].join(" "),
    ),
    ...(priority ? [priority] : []),
  ]);
}

const rule = (spec: Omit<DestinationRule, "host">) => anObject("DestinationRule", "a", { host: HOST, ...spec });
const plain = (address: string, fields: Partial<Endpoint> = {}) =>
  anEndpoint(address, { tlsMode: "disabled", ...fields });
const place = (text: string) => ({ locality: parseLocality(text) });
const client = (fields: Partial<ProxyNode>): ProxyNode => ({ ...aNode(), ...fields });

describe("which endpoints", () => {
  test.each<[string, Given, unknown]>([
    ["none", { endpoints: [] }, undefined],
    [
      "weights",
      { endpoints: [plain("10.0.0.1", { weight: 3 }), plain("10.0.0.2", { weight: 0 })] },
      [["10.0.0.1 x3", "10.0.0.2"]],
    ],
    [
      "only those with the port",
      { endpoints: [plain("10.0.0.1"), plain("10.0.0.2", { ports: { other: 1 } })] },
      [["10.0.0.1"]],
    ],
    ["no names", { endpoints: [plain("db.example"), plain("10.0.0.2")] }, [["10.0.0.2"]]],
    ["sockets", { endpoints: [plain("unix:///run/a.sock", { ports: { http: 0 } })] }, [["/run/a.sock"]]],
    [
      "unhealthy ones too, and they say so",
      { endpoints: [plain("10.0.0.1", { health: "unhealthy" })] },
      [["10.0.0.1 UNHEALTHY"]],
    ],
    [
      "not where Envoy may panic",
      {
        endpoints: [plain("10.0.0.1", { health: "unhealthy" })],
        config: [rule({ trafficPolicy: { outlierDetection: { minHealthPercent: 10 } } })],
      },
      undefined,
    ],
    ["never terminating ones", { endpoints: [plain("10.0.0.1", { health: "terminating" })] }, undefined],
    [
      "draining ones only for sessions",
      { endpoints: [plain("10.0.0.1", { labels: { "istio.io/draining": "true" } })] },
      undefined,
    ],
    [
      "as draining",
      {
        endpoints: [plain("10.0.0.1", { health: "draining" })],
        service: { labels: { "istio.io/persistent-session": "c" } },
      },
      [["10.0.0.1 DRAINING"]],
    ],
    [
      "by locality, in order of its name",
      {
        endpoints: [plain("10.0.0.1", place("b/z")), plain("10.0.0.2", place("a/z")), plain("10.0.0.3", place("b/z"))],
      },
      [["10.0.0.2"], ["10.0.0.1", "10.0.0.3"]],
    ],
  ])("%s", (_, given, expected) => {
    expect(addresses(given)).toEqual(expected);
  });

  test("of the networks that the client asks for", () => {
    const endpoints = [plain("10.0.0.1"), plain("10.0.0.2", { network: "n1" }), plain("10.0.0.3", { network: "n2" })];
    const asking = (view: unknown) =>
      [addresses({ endpoints }, client({ metadata: { REQUESTED_NETWORK_VIEW: view } }))].flat(2);
    expect(asking("n1")).toEqual(["10.0.0.1", "10.0.0.2"]);
    expect(asking(["n1", "n2"])).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    expect(asking(undefined)).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  });

  test("a node-local service has those of the client's node", () => {
    const given: Given = {
      endpoints: [
        plain("10.0.0.1", { nodeName: "n1" }),
        plain("10.0.0.2", { nodeName: "n2" }),
        plain("10.0.0.3", { nodeName: "n1", clusterId: "other" }),
        plain("10.0.0.4"),
      ],
      service: { nodeLocal: true },
    };
    const on = (NODE_NAME: string) => client({ metadata: { NODE_NAME } });
    expect(addresses(given, on("n1"))).toEqual([["10.0.0.1"]]);
    expect(addresses(given, on("n2"))).toEqual([["10.0.0.2"]]);
    expect(addresses(given, on("n3"))).toBeUndefined();
  });

  test("a cluster-local service has those of the client's cluster", () => {
    const given: Given = {
      endpoints: [plain("10.0.0.1"), plain("10.0.0.2", { clusterId: "other" })],
      meshConfig: { serviceSettings: [{ settings: { clusterLocal: true }, hosts: ["*.default.svc.cluster.local"] }] },
    };
    expect(addresses(given)).toEqual([["10.0.0.1"]]);
    expect(addresses(given, client({ clusterId: "other" }))).toEqual([["10.0.0.2"]]);
  });

  test("subsets", () => {
    const given: Given = {
      endpoints: [plain("10.0.0.1", { labels: { version: "v1" } }), plain("10.0.0.2")],
      config: [rule({ subsets: [{ name: "v1", labels: { version: "v1" } }] })],
    };
    expect(addresses(given, aNode(), `outbound|9080|v1|${HOST}`)).toEqual([["10.0.0.1"]]);
  });

  test("of several addresses those that the client can dial", () => {
    const given: Given = { endpoints: [plain("10.0.0.1", { addresses: ["10.0.0.1", "2001:db8::1"] })] };
    const six = client({ ipAddresses: ["2001:db8::9"] });
    const dual = client({ ipAddresses: ["10.0.0.9", "2001:db8::9"] });
    expect([addresses(given), addresses(given, six), addresses(given, dual)]).toEqual([
      [["10.0.0.1"]],
      [["2001:db8::1"]],
      [["10.0.0.1"]],
    ]);
    expect(assignment(given, dual)?.endpoints?.[0]?.lbEndpoints?.[0]?.endpoint?.additionalAddresses).toEqual([
      { address: { socketAddress: { address: "2001:db8::1", portValue: 9080 } } },
    ]);
  });
});

describe("mesh mTLS", () => {
  const endpoints = [anEndpoint("10.0.0.1", { labels: { app: "a" } }), plain("10.0.0.2")];
  const off = { mode: "DISABLE" } as const;
  const on = { mode: "ISTIO_MUTUAL" } as const;
  const policy = (spec: PeerAuthentication, namespace = "default") =>
    anObject("PeerAuthentication", "p", spec, { namespace });
  test.each<[string, readonly ConfigObject[], boolean, string]>([
    ["by default", [], true, NAME],
    ["the mesh is off", [policy({ mtls: off }, "istio-system")], false, NAME],
    ["the workload is off", [policy({ selector: { matchLabels: { app: "a" } }, mtls: off })], false, NAME],
    ["another workload is off", [policy({ selector: { matchLabels: { app: "b" } }, mtls: off })], true, NAME],
    [
      "its port is off",
      [policy({ selector: { matchLabels: { app: "a" } }, portLevelMtls: { 9080: off } })],
      false,
      NAME,
    ],
    ["the rule goes before policies", [policy({ mtls: off }), rule({ trafficPolicy: { tls: on } })], true, NAME],
    [
      "the rule is off for the port",
      [rule({ trafficPolicy: { tls: on, portLevelSettings: [{ port: { number: 9080 }, tls: off }] } })],
      false,
      NAME,
    ],
    [
      "settings of the port without TLS inherit it",
      [
        rule({
          trafficPolicy: {
            tls: off,
            portLevelSettings: [{ port: { number: 9080 }, loadBalancer: { simple: "RANDOM" } }],
          },
        }),
      ],
      false,
      NAME,
    ],
    [
      "the subset goes before the rule",
      [rule({ trafficPolicy: { tls: on }, subsets: [{ name: "s", trafficPolicy: { tls: off } }] })],
      false,
      `outbound|9080|s|${HOST}`,
    ],
    [
      "the subset has the rule's",
      [
        rule({
          trafficPolicy: { tls: off },
          subsets: [{ name: "s", trafficPolicy: { loadBalancer: { simple: "RANDOM" } } }],
        }),
      ],
      false,
      `outbound|9080|s|${HOST}`,
    ],
  ])("%s", (_, config, expected, name) => {
    expect(addresses({ endpoints, config }, aNode(), name)).toEqual([
      [expected ? "10.0.0.1 mtls" : "10.0.0.1", "10.0.0.2"],
    ]);
  });

  test("a gateway that passes mTLS through sends on to nobody else", () => {
    expect(addresses({ endpoints }, aNode(), `outbound_.9080_._.${HOST}`)).toEqual([["10.0.0.1 mtls"]]);
  });
});

describe("locality", () => {
  const endpoints = [
    plain("10.0.0.1", place("r1/z1")),
    plain("10.0.0.2", place("r1/z2")),
    plain("10.0.0.3", place("r2/z1")),
  ];
  const outlierDetection = { consecutive5xxErrors: 1 };
  const here = client({ locality: parseLocality("r1/z2") });
  test("fails over when outliers are detected", () => {
    expect(addresses({ endpoints }, here)).toEqual([["10.0.0.1"], ["10.0.0.2"], ["10.0.0.3"]]);
    const config = [rule({ trafficPolicy: { outlierDetection } })];
    expect(addresses({ endpoints, config }, here)).toEqual([["10.0.0.1", 1], ["10.0.0.2"], ["10.0.0.3", 2]]);
  });

  test("traffic distribution needs no outlier detection", () => {
    const zoned = endpoints.map((endpoint) => ({
      ...endpoint,
      labels: {
        "topology.kubernetes.io/region": endpoint.locality.region,
        "topology.kubernetes.io/zone": endpoint.locality.zone,
      },
    }));
    expect(addresses({ endpoints: zoned, service: { trafficDistribution: "PreferSameZone" } }, here)).toEqual([
      ["10.0.0.1", 1],
      ["10.0.0.2"],
      ["10.0.0.3", 2],
    ]);
  });

  test("is read only where it matters", () => {
    const names = (given: Given) => {
      const derivations = new Derivations(meshOf(given));
      const ask = (locality: string) => derivations.ask(made, NAME, client({ locality: parseLocality(locality) }));
      return ask("r1/z1") === ask("r2/z1");
    };
    const config = [rule({ trafficPolicy: { outlierDetection } })];
    expect(names({ endpoints })).toBe(true);
    expect(names({ endpoints: endpoints.slice(0, 1), config })).toBe(true);
    expect(names({ endpoints, config })).toBe(false);
  });
});

// Source: Istio, endpoints by network.
describe("networks", () => {
  const on = (network: string) => ({ network });
  const endpoints = [
    anEndpoint("10.0.0.1", on("n1")),
    anEndpoint("10.0.0.2", on("n1")),
    anEndpoint("20.0.0.1", on("n2")),
    anEndpoint("30.0.0.1", { ...on("n2"), tlsMode: "disabled" }),
    anEndpoint("40.0.0.1", on("n4")),
    anEndpoint("50.0.0.1"),
  ];
  const meshNetworks: MeshNetworks = {
    networks: {
      n1: { gateways: [{ address: "1.1.1.1", port: 443 }] },
      n2: {
        gateways: [
          { address: "2.2.2.2", port: 443 },
          { address: "2.2.2.20", port: 443 },
          { address: "gw.example", port: 443 },
        ],
      },
      n5: { endpoints: [{ fromCidr: "50.0.0.0/8" }], gateways: [{ address: "5.5.5.5", port: 443 }] },
    },
  };
  test.each([
    [
      "n1",
      ["10.0.0.1 x3 mtls", "10.0.0.2 x3 mtls", "40.0.0.1 x3 mtls", "2.2.2.2 mtls", "2.2.2.20 mtls", "5.5.5.5 x3 mtls"],
    ],
    ["n2", ["20.0.0.1 x3 mtls", "30.0.0.1 x3", "40.0.0.1 x3 mtls", "1.1.1.1 x6 mtls", "5.5.5.5 x3 mtls"]],
    ["n5", ["40.0.0.1 x3 mtls", "50.0.0.1 x3 mtls", "1.1.1.1 x6 mtls", "2.2.2.2 mtls", "2.2.2.20 mtls"]],
    ["", ["40.0.0.1 x3 mtls", "1.1.1.1 x6 mtls", "2.2.2.2 mtls", "2.2.2.20 mtls", "5.5.5.5 x3 mtls"]],
  ])("from network '%s'", (network, expected) => {
    expect(addresses({ endpoints, meshNetworks }, client({ network }))).toEqual([expected]);
  });

  test("an endpoint's network is its own, else its registry's, else its address's", () => {
    const given = {
      endpoints: [
        plain("50.0.0.1"),
        plain("50.0.0.2", { clusterId: "c2" }),
        plain("50.0.0.3", { clusterId: "c2", network: "own" }),
      ],
      meshNetworks: {
        networks: {
          byRange: { endpoints: [{ fromCidr: "50.0.0.0/8" }], gateways: [] },
          byRegistry: { endpoints: [{ fromRegistry: "c2" }], gateways: [] },
        },
      },
    };
    const of = (network: string) =>
      [addresses(given, client({ metadata: { REQUESTED_NETWORK_VIEW: network } }))].flat(2);
    expect([of("byRange"), of("byRegistry"), of("own")]).toEqual([["50.0.0.1"], ["50.0.0.2"], ["50.0.0.3"]]);
  });

  test("gateways are named by a service too, with its external addresses", () => {
    const given = {
      endpoints: endpoints.slice(1, 3),
      service: { externalAddresses: ["9.9.9.9"] },
      meshNetworks: { networks: { n2: { gateways: [{ registryServiceName: HOST, port: 444 }] } } },
    };
    expect(addresses(given, client(on("n1")))).toEqual([["10.0.0.2 mtls", "9.9.9.9 mtls"]]);
    const [, gateway] = assignment(given, client(on("n1")))?.endpoints?.[0]?.lbEndpoints ?? [];
    expect(gateway?.endpoint?.address?.socketAddress).toEqual({ address: "9.9.9.9", portValue: 444 });
  });

  test("make no difference without gateways", () => {
    expect(addresses({ endpoints: endpoints.slice(0, 3) }, client(on("n2")))).toEqual([
      ["10.0.0.1 mtls", "10.0.0.2 mtls", "20.0.0.1 mtls"],
    ]);
  });

  test("gateways of the client's address family only", () => {
    const given = { endpoints: endpoints.slice(0, 3), meshNetworks };
    expect(addresses(given, client({ network: "n1", ipAddresses: ["2001:db8::1"] }))).toEqual([
      ["10.0.0.1 x3 mtls", "10.0.0.2 x3 mtls"],
    ]);
  });
});

test("units are the clusters that ask over EDS", () => {
  const other = (hostname: string, fields: Partial<Service>) => aService(hostname, fields);
  const mesh = Mesh.of({
    meshConfig: {},
    services: [
      aService(HOST),
      other("dns.example", { resolution: "DNSLB" }),
      other("headless.default.svc.cluster.local", { resolution: "Passthrough" }),
      other("alias.default.svc.cluster.local", { resolution: "Alias" }),
      other("pass.default.svc.cluster.local", {}),
    ],
    config: [
      rule({ subsets: [{ name: "v1" }] }),
      anObject("DestinationRule", "pass", { host: "pass", trafficPolicy: { loadBalancer: { simple: "PASSTHROUGH" } } }),
    ],
  });
  expect([...new Derivations(mesh).ask(units, undefined, aNode())].sort()).toEqual(
    [`outbound|9080|v1|${HOST}`, NAME].sort(),
  );
  const gateway = new Derivations(mesh).ask(units, undefined, client({ type: "router" }));
  expect(gateway).toContain("outbound|9080||headless.default.svc.cluster.local");
});

test("an assignment names the service and its rules", () => {
  const [one] = new Derivations(meshOf({ endpoints: [], config: [rule({})] })).ask(made, NAME, aNode());
  expect(one?.sources).toEqual([
    { kind: "Service", namespace: "default", name: "a" },
    { kind: "DestinationRule", namespace: "default", name: "a" },
  ]);
});

test("a name that is no cluster of ours has no assignment", () => {
  const derivations = new Derivations(meshOf({ endpoints: [] }));
  for (const name of ["x", `outbound|1||${HOST}`, "outbound|9080||gone.example"])
    expect(derivations.ask(made, name, aNode())).toEqual([]);
});
