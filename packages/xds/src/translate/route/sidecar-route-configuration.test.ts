import type { ConfigObject, HttpRoute, MeshConfig, VirtualService } from "@fairlead/config";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import type { ProxyNode, Service } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import { meshOf, REVIEWS, routeConfiguration } from "./testing.ts";

const http = (number: number, name = "http") => ({ number, name, protocol: "HTTP" as const });
const auto = (number: number) => ({ number, name: "auto", protocol: "Unspecified" as const });
const to = (host: string): HttpRoute[] => [{ name: `to-${host}`, route: [{ destination: { host } }] }];
const speaks = (name: string, spec: VirtualService, metadata: Partial<ConfigObject["metadata"]> = {}) =>
  anObject("VirtualService", name, spec, metadata);

interface Given {
  readonly services?: readonly Service[];
  readonly config?: readonly ConfigObject[];
  readonly meshConfig?: MeshConfig;
  readonly node?: ProxyNode;
  readonly name?: string;
}

/** Virtual host name to its domains and the names of its routes. */
function hostsOf({ services = [aService(REVIEWS)], config = [], meshConfig, node = aNode(), name = "9080" }: Given) {
  const { resource } = routeConfiguration(meshOf(services, config, meshConfig), node, name);
  return Object.fromEntries(
    (resource.virtualHosts ?? []).map((host) => [
      host.name,
      { domains: host.domains, routes: (host.routes ?? []).map((route) => route.name) },
    ]),
  );
}

describe("what is always said", () => {
  test("settings and the catch-all", () => {
    const { resource } = routeConfiguration(meshOf([aService(REVIEWS)]), aNode(), "9080");
    expect(resource).toMatchObject({
      name: "9080",
      validateClusters: false,
      maxDirectResponseBodySizeBytes: 1_048_576,
      ignorePortInHostMatching: true,
    });
    expect(resource.virtualHosts?.at(-1)).toEqual({
      name: "allow_any",
      domains: ["*"],
      routes: [
        {
          name: "allow_any",
          match: { prefix: "/" },
          route: { cluster: "PassthroughCluster", timeout: "0s", maxGrpcTimeout: "0s" },
        },
      ],
      includeRequestAttemptCount: true,
    });
  });

  const sidecar = (outboundTrafficPolicy: object) =>
    anObject("Sidecar", "default", { egress: [{ hosts: ["*/*"] }], outboundTrafficPolicy });
  const egressProxy = { host: "egress.istio-system.svc.cluster.local", port: { number: 8080 }, subset: "s" };
  test.each<[string, MeshConfig, readonly ConfigObject[], string, object]>([
    [
      "mesh",
      { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } },
      [],
      "block_all",
      { directResponse: { status: 502 } },
    ],
    ["mesh without a mode", { outboundTrafficPolicy: {} }, [], "block_all", { directResponse: { status: 502 } }],
    [
      "mesh, by DNS",
      { outboundTrafficPolicy: { mode: "ALLOW_ANY_DYNAMIC_DNS" } },
      [],
      "allow_any_dynamic_dns",
      { route: { cluster: "AllowAnyDynamicDNSCluster" } },
    ],
    ["Sidecar", {}, [sidecar({ mode: "REGISTRY_ONLY" })], "block_all", { directResponse: { status: 502 } }],
    ["Sidecar without a mode", {}, [sidecar({})], "block_all", { directResponse: { status: 502 } }],
    [
      "Sidecar over mesh",
      { outboundTrafficPolicy: { mode: "REGISTRY_ONLY" } },
      [sidecar({ mode: "ALLOW_ANY" })],
      "allow_any",
      { route: { cluster: "PassthroughCluster" } },
    ],
    [
      "egress proxy",
      {},
      [sidecar({ mode: "ALLOW_ANY", egressProxy })],
      "allow_any",
      { route: { cluster: "outbound|8080|s|egress.istio-system.svc.cluster.local" } },
    ],
  ])("unknown hosts: %s", (_, meshConfig, config, name, action) => {
    const { resource } = routeConfiguration(meshOf([aService(REVIEWS)], config, meshConfig), aNode(), "9080");
    expect(resource.virtualHosts?.at(-1)).toMatchObject({ name, domains: ["*"], routes: [{ name, ...action }] });
  });

  test("attempts are not counted where the proxy does not tell", () => {
    const meshConfig = { defaultConfig: { proxyHeaders: { attemptCount: { disabled: true } } } };
    const { resource } = routeConfiguration(meshOf([aService(REVIEWS)], [], meshConfig), aNode(), "9080");
    expect(resource.virtualHosts?.some((host) => host.includeRequestAttemptCount)).toBe(false);
    const own = aNode("client-1.default", "10.0.0.1", { PROXY_CONFIG: {} });
    const kept = routeConfiguration(meshOf([aService(REVIEWS)], [], meshConfig), own, "9080").resource;
    expect(kept.virtualHosts?.every((host) => host.includeRequestAttemptCount)).toBe(true);
  });
});

describe("who speaks for a host", () => {
  test("the oldest of those with the same name", () => {
    const config = [
      speaks("a", { hosts: ["reviews"], http: to("a") }, { creationTimestamp: "2024-01-02T00:00:00Z" }),
      speaks("b", { hosts: ["reviews"], http: to("b") }, { creationTimestamp: "2024-01-01T00:00:00Z" }),
    ];
    expect(hostsOf({ config })[`${REVIEWS}:9080`]?.routes).toEqual(["to-b"]);
  });

  test("the exact name, then the longest wildcard", () => {
    const services = ["a.x.example", "b.x.example", "c.example"].map((host) =>
      aService(host, { registry: "External" }),
    );
    const config = [
      speaks("wide", { hosts: ["*.example"], http: to("wide") }),
      speaks("narrow", { hosts: ["*.x.example"], http: to("narrow") }),
      speaks("exact", { hosts: ["a.x.example"], http: to("exact") }),
    ];
    const hosts = hostsOf({ services, config });
    expect(hosts["a.x.example:9080"]?.routes).toEqual(["to-exact"]);
    expect(hosts["b.x.example:9080"]?.routes).toEqual(["to-narrow"]);
    expect(hosts["c.example:9080"]?.routes).toEqual(["to-wide"]);
  });

  test("names without a service are heard of on port 80, and beside a service", () => {
    const services = [aService(REVIEWS, { ports: [http(80), http(9080, "http-2")] }), aService("other.default")];
    const config = [
      speaks("lone", { hosts: ["lone.example"], http: to("lone") }),
      speaks("both", { hosts: ["reviews", "bookinfo.example"], http: to("both") }),
    ];
    expect(Object.keys(hostsOf({ services, config, name: "80" }))).toEqual([
      "bookinfo.example:80",
      "lone.example:80",
      `${REVIEWS}:80`,
      "allow_any",
    ]);
    const on9080 = hostsOf({ services, config });
    expect(Object.keys(on9080)).toEqual([
      "bookinfo.example:9080",
      "other.default:9080",
      `${REVIEWS}:9080`,
      "allow_any",
    ]);
    expect(on9080["bookinfo.example:9080"]?.domains).toEqual(["bookinfo.example"]);
  });

  test("a name below that of a wildcard service is heard of on port 80 only", () => {
    const ports = [http(80), http(9080, "http-2")];
    const services = [aService("*.wild.example", { registry: "External", ports })];
    const config = [speaks("one", { hosts: ["one.wild.example"], http: to("one") })];
    const names = (name: string) => Object.keys(hostsOf({ services, config, name }));
    expect(names("9080")).toEqual(["*.wild.example:9080", "allow_any"]);
    expect(names("80")).toEqual(["*.wild.example:80", "one.wild.example:80", "allow_any"]);
  });

  test("routes of the Gateway API hold at home only", () => {
    const annotations = { "internal.istio.io/route-semantics": "gateway" };
    const config = [
      speaks(
        "r",
        { hosts: ["reviews.default.svc.cluster.local"], http: to("r") },
        { namespace: "elsewhere", annotations },
      ),
    ];
    expect(hostsOf({ config })[`${REVIEWS}:9080`]?.routes).toEqual(["default"]);
    expect(hostsOf({ config, node: aNode("client-1.elsewhere") })[`${REVIEWS}:9080`]?.routes).toEqual(["to-r"]);
  });
});

describe("routes of the Gateway API for one host", () => {
  test("those of the client's namespace go before the service's, however old", () => {
    const annotations = { "internal.istio.io/route-semantics": "gateway" };
    const hosts = ["reviews.default.svc.cluster.local"];
    const config = [
      speaks("service", { hosts, http: to("service") }, { annotations, creationTimestamp: "2024-01-01T00:00:00Z" }),
      speaks(
        "client",
        { hosts, http: to("client") },
        { namespace: "elsewhere", annotations, creationTimestamp: "2025-01-01T00:00:00Z" },
      ),
    ];
    const routes = (node: string) => hostsOf({ config, node: aNode(node) })[`${REVIEWS}:9080`]?.routes;
    expect(routes("client-1.elsewhere")).toEqual(["to-client"]);
    expect(routes("client-1.third")).toEqual(["to-service"]);
  });
});

describe("domains", () => {
  test("a short form gives way to whoever has it as the full name", () => {
    const services = [
      aService("foo.com.local", { registry: "External" }),
      aService("foo.com", { registry: "External" }),
    ];
    const node = { ...aNode(), dnsDomain: "ns.local" };
    const hosts = hostsOf({ services, node });
    expect(hosts["foo.com.local:9080"]?.domains).not.toContain("foo.com");
    expect(hosts["foo.com:9080"]?.domains).toContain("foo.com");
  });

  test("a virtual host under fewer domains keeps where it came from", () => {
    const services = ["a.example", "b.example"].map((host) =>
      aService(host, { registry: "External", addresses: ["10.1.0.1"] }),
    );
    const provenance = new WeakMap();
    const { resource } = routeConfiguration(meshOf(services), aNode(), "9080", provenance);
    expect(provenance.get(resource.virtualHosts?.[1] ?? {})?.object).toEqual(services[1]?.source);
  });

  test("names differ in more than case", () => {
    const services = ["A.example", "a.Example"].map((host) => aService(host, { registry: "External" }));
    expect(Object.keys(hostsOf({ services }))).toHaveLength(2);
  });

  test("nobody has what another has already", () => {
    const services = ["a.example", "b.example"].map((host) =>
      aService(host, { registry: "External", addresses: ["10.1.0.1"] }),
    );
    const hosts = hostsOf({ services });
    expect(hosts["a.example:9080"]?.domains).toContain("10.1.0.1");
    expect(hosts["b.example:9080"]?.domains).toEqual(["b.example", "b.example."]);
  });

  test("ExternalName services lead to what they stand for", () => {
    const alias = aService("alias.default.svc.cluster.local", {
      ports: [],
      resolution: "Alias",
      externalName: REVIEWS,
    });
    const hosts = hostsOf({ services: [aService(REVIEWS), alias] });
    expect(Object.keys(hosts)).toEqual([`${REVIEWS}:9080`, "allow_any"]);
    expect(hosts[`${REVIEWS}:9080`]?.domains).toEqual(expect.arrayContaining(["alias", "alias.default"]));
    const config = [speaks("v", { hosts: ["reviews"], http: to("alias") })];
    const { resource } = routeConfiguration(meshOf([aService(REVIEWS), alias], config), aNode(), "9080");
    expect(resource.virtualHosts?.[0]?.routes?.[0]?.route?.cluster).toBe(`outbound|9080||${REVIEWS}`);
  });
});

describe("other route names", () => {
  const sniffed = aService("sniffed.example", { registry: "External", ports: [auto(9999)], addresses: ["10.1.0.1"] });

  test("one sniffed service takes whatever host is asked for, and there is no catch-all", () => {
    const services = [sniffed, aService("second.example", { ports: [auto(9999)], addresses: ["10.1.0.2"] })];
    expect(hostsOf({ services, name: "sniffed.example:9999" })).toEqual({
      "sniffed.example:9999": { domains: ["*"], routes: ["default"] },
    });
  });

  test("a service that does not exist has no hosts", () => {
    expect(hostsOf({ services: [sniffed], name: "nobody:9999" })).toEqual({});
  });

  test("a proxy port knows all services, those not on port 80 by their port", () => {
    const services = [aService("a.example", { ports: [http(80), http(81, "http-2")], registry: "External" })];
    expect(hostsOf({ services, name: "http_proxy" })).toMatchObject({
      "a.example:80": { domains: ["a.example", "a.example:80", "a.example.", "a.example.:80"] },
      "a.example:81": { domains: ["a.example:81", "a.example.:81"] },
      allow_any: {},
    });
  });

  const egress = (listener: object) =>
    anObject("Sidecar", "default", {
      egress: [{ hosts: ["./reviews.default.svc.cluster.local"], ...listener }, { hosts: ["*/*"] }],
    } as never);
  const services = [
    aService(REVIEWS, { ports: [http(9080), http(80, "http-2")] }),
    aService("ratings.default.svc.cluster.local"),
  ];

  test("a Sidecar's port shows what its listener imports", () => {
    const config = [egress({ port: { number: 9080, protocol: "HTTP", name: "http" } })];
    expect(Object.keys(hostsOf({ services, config }))).toEqual([`${REVIEWS}:9080`, "allow_any"]);
    const { sources } = routeConfiguration(meshOf(services, config), aNode(), "9080");
    expect(sources).toEqual([
      { kind: "Sidecar", namespace: "default", name: "default" },
      { kind: "Service", namespace: "default", name: "reviews" },
    ]);
  });

  test("a Sidecar's proxy port shows all ports", () => {
    const config = [egress({ port: { number: 3128, protocol: "HTTP_PROXY", name: "proxy" } })];
    expect(Object.keys(hostsOf({ services, config, name: "3128" }))).toEqual([
      `${REVIEWS}:80`,
      `${REVIEWS}:9080`,
      "allow_any",
    ]);
    const ignores = (name: string) =>
      routeConfiguration(meshOf(services, config), aNode(), name).resource.ignorePortInHostMatching;
    expect([ignores("3128"), ignores("http_proxy"), ignores("9080")]).toEqual([false, false, true]);
  });

  test("a Sidecar's Unix socket", () => {
    const bind = "unix:///var/run/egress.sock";
    const config = [egress({ port: { number: 0, protocol: "HTTP", name: "uds" }, bind })];
    expect(Object.keys(hostsOf({ services, config, name: bind }))).toContain(`${REVIEWS}:9080`);
  });

  test("consistent hashing of a service without a VirtualService", () => {
    const loadBalancer = { consistentHash: { useSourceIp: true } };
    const config = [anObject("DestinationRule", "r", { host: "reviews", trafficPolicy: { loadBalancer } })];
    const { resource, sources } = routeConfiguration(meshOf([aService(REVIEWS)], config), aNode(), "9080");
    expect(resource.virtualHosts?.[0]?.routes?.[0]?.route).toMatchObject({
      hashPolicy: [{ connectionProperties: { sourceIp: true } }],
      retryPolicy: { retryHostPredicate: [{}] },
    });
    expect(sources).toEqual([
      { kind: "DestinationRule", namespace: "default", name: "r" },
      { kind: "Service", namespace: "default", name: "reviews" },
    ]);
  });
});
