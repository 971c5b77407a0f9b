import type { ProxyNode } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { Derivations, type Reader } from "./derivation.ts";
import { destinationRuleOf } from "./destination-rule.ts";
import { gatewaysOf } from "./gateway-selection.ts";
import { Mesh, type MeshSources } from "./mesh.ts";
import { namespaceMutualTls, peerAuthenticationOf } from "./peer-authentication.ts";
import { endpointsOf } from "./service-endpoints.ts";
import { serviceTargetsOf } from "./service-target.ts";
import { sidecarScopeOf } from "./sidecar-scope.ts";
import { aNode, anObject, aService, aWorkload } from "./testing.ts";
import { virtualServiceDiagnostics, virtualServicesOf } from "./virtual-service.ts";
import { serviceOfHost, visibleServices } from "./visible-services.ts";

/** Reads something of a mesh as a node sees it. */
function see<V>(
  sources: Omit<MeshSources, "meshConfig"> & Partial<MeshSources>,
  read: (reader: Reader) => V,
  node: ProxyNode = aNode(),
): V {
  return new Derivations(Mesh.of({ meshConfig: {}, ...sources })).ask(
    { name: "see", key: () => "", compute: read },
    undefined,
    node,
  );
}

const reviews = aService("reviews.default.svc.cluster.local");
const ratings = aService("ratings.backend.svc.cluster.local");

describe("visibility", () => {
  it.each([
    [["*"], "client-1.default", true],
    [[], "client-1.default", true],
    [["."], "client-1.default", false],
    [["."], "client-1.backend", true],
    [["~"], "client-1.backend", false],
    [["default", "x"], "client-1.default", true],
    [["x"], "client-1.default", false],
  ])("a service exported to %j is seen by %s: %s", (exportTo, node, seen) => {
    expect(
      see({ services: [{ ...ratings, exportTo }] }, (read) => visibleServices(read).length === 1, aNode(node)),
    ).toBe(seen);
  });

  it("follows the mesh default where a service says nothing", () => {
    expect(
      see({ meshConfig: { defaultServiceExportTo: ["."] }, services: [ratings] }, (read) => visibleServices(read)),
    ).toEqual([]);
  });

  it("has services first that fewer see, each oldest first", () => {
    const named = (name: string, creationTime: string, exportTo?: readonly string[]) =>
      aService(`${name}.backend.svc.cluster.local`, { creationTime, ...(exportTo ? { exportTo } : {}) });
    const services = [
      named("public", "2021"),
      named("newer", "2022"),
      named("shared", "2024", ["backend", "x"]),
      named("own", "2025", ["."]),
      named("foreign", "2020", ["x"]),
    ];
    const names = see({ services }, (read) => visibleServices(read).map(({ name }) => name), aNode("c.backend"));
    expect(names).toEqual(["own", "shared", "public", "newer"]);
  });

  it("takes a name from the own namespace, else Kubernetes, else the oldest", () => {
    const entry = (namespace: string, creationTime: string) =>
      aService("a.com", { namespace, name: "a", registry: "External", creationTime });
    const kubernetes = aService("a.com", { namespace: "k", name: "a", creationTime: "2025" });
    const services = [entry("one", "2022"), entry("default", "2024"), kubernetes];
    expect(see({ services }, (read) => serviceOfHost(read, "a.com")?.namespace)).toBe("default");
    expect(see({ services }, (read) => serviceOfHost(read, "a.com")?.namespace, aNode("c.other"))).toBe("k");
    expect(
      see({ services: services.slice(0, 2) }, (read) => serviceOfHost(read, "a.com")?.namespace, aNode("c.other")),
    ).toBe("one");
  });
});

describe("VirtualServices", () => {
  it("are completed: short hosts and gateways by their own namespace", () => {
    const config = [
      anObject("VirtualService", "r", {
        hosts: ["reviews"],
        gateways: ["edge", "mesh"],
        http: [{ route: [{ destination: { host: "reviews", subset: "v2" } }] }],
      }),
    ];
    const [found] = see({ config }, (read) => virtualServicesOf(read, "default/edge"));
    expect(found?.hosts).toEqual(["reviews.default.svc.cluster.local"]);
    expect(found?.gateways).toEqual(["default/edge", "mesh"]);
    expect(found?.http[0]?.rule.route?.[0]?.destination?.host).toBe("reviews.default.svc.cluster.local");
    expect(found?.http[0]).toMatchObject({ path: "spec.http[0]", source: { kind: "VirtualService", name: "r" } });
  });

  it("take in their delegates, whose routes stay within the root's match", () => {
    const config = [
      anObject("VirtualService", "root", {
        hosts: ["a.com"],
        http: [{ name: "r", match: [{ uri: { prefix: "/shop" } }], delegate: { name: "leaf", namespace: "shop" } }],
      }),
      anObject(
        "VirtualService",
        "leaf",
        {
          http: [
            {
              name: "in",
              match: [{ uri: { exact: "/shop/cart" } }],
              timeout: "1s",
              route: [{ destination: { host: "cart" } }],
            },
            { match: [{ uri: { prefix: "/other" } }], route: [{ destination: { host: "other" } }] },
          ],
        },
        { namespace: "shop" },
      ),
    ];
    const [routes, problems] = see(
      { config },
      (read) => [virtualServicesOf(read, "mesh")[0]?.http, virtualServiceDiagnostics(read)] as const,
    );
    expect(routes).toEqual([
      {
        rule: {
          name: "r-in",
          match: [{ uri: { exact: "/shop/cart" } }],
          timeout: "1s",
          route: [{ destination: { host: "cart.shop.svc.cluster.local" } }],
        },
        source: { kind: "VirtualService", namespace: "shop", name: "leaf" },
        path: "spec.http[0]",
      },
    ]);
    expect(problems.map(({ code, path }) => [code, path])).toEqual([["delegate-conflict", "spec.http[0].delegate"]]);
  });

  it("say when a delegate is missing", () => {
    const config = [anObject("VirtualService", "root", { hosts: ["a.com"], http: [{ delegate: { name: "gone" } }] })];
    expect(see({ config }, (read) => virtualServiceDiagnostics(read).map(({ code }) => code))).toEqual([
      "delegate-missing",
    ]);
  });
});

describe("DestinationRules", () => {
  const rule = (name: string, namespace: string, spec: object, more: object = {}) =>
    anObject("DestinationRule", name, { host: ratings.hostname, ...spec }, { namespace, ...more });
  it("are looked up in the client's namespace, then the service's, then the root", () => {
    const config = [rule("root", "istio-system", {}), rule("own", "default", {}), rule("home", "backend", {})];
    const found = (node: string, objects = config) =>
      see(
        { config: objects, services: [ratings] },
        (read) => destinationRuleOf(read, ratings)?.objects[0]?.metadata.name,
        aNode(node),
      );
    expect(found("c.default")).toBe("own");
    expect(found("c.elsewhere")).toBe("home");
    expect(found("c.elsewhere", config.slice(0, 2))).toBe("root");
  });

  it("prefer a wildcard of the client's namespace to an exact host elsewhere", () => {
    const config = [anObject("DestinationRule", "wild", { host: "*.svc.cluster.local" }), rule("home", "backend", {})];
    expect(see({ config }, (read) => destinationRuleOf(read, ratings)?.objects[0]?.metadata.name)).toBe("wild");
  });

  it("that are exported elsewhere only do not hide a wildcard of the namespace", () => {
    const away = rule("away", "default", { exportTo: ["other"] });
    const wild = anObject("DestinationRule", "wild", { host: "*.svc.cluster.local" });
    const found = (node: string) =>
      see(
        { config: [away, wild, rule("root", "istio-system", {})] },
        (read) => destinationRuleOf(read, { ...ratings, namespace: "default" })?.objects[0]?.metadata.name,
        aNode(node),
      );
    expect([found("c.default"), found("c.other"), found("c.elsewhere")]).toEqual(["wild", "away", "root"]);
  });

  it("for one host unite their subsets; the oldest policy holds", () => {
    const config = [
      rule(
        "b",
        "backend",
        { subsets: [{ name: "v2" }, { name: "v1" }], trafficPolicy: { loadBalancer: { simple: "RANDOM" } } },
        { creationTimestamp: "2024-02-01" },
      ),
      rule("a", "backend", { subsets: [{ name: "v1" }] }, { creationTimestamp: "2024-01-01" }),
    ];
    const found = see({ config }, (read) => destinationRuleOf(read, ratings));
    expect(found?.spec.subsets?.map((subset) => subset.name)).toEqual(["v1", "v2"]);
    expect(found?.spec.trafficPolicy?.loadBalancer).toEqual({ simple: "RANDOM" });
    expect(found?.subsetFrom.v2?.source.name).toBe("b");
  });

  it("with a workload selector hold for these workloads only", () => {
    const config = [
      rule("all", "default", {}),
      rule("some", "default", { workloadSelector: { matchLabels: { app: "x" } } }),
    ];
    const found = (labels: object) =>
      see(
        { config },
        (read) => destinationRuleOf(read, ratings)?.objects[0]?.metadata.name,
        aNode("c.default", "10.0.0.1", { LABELS: labels }),
      );
    expect([found({ app: "x" }), found({ app: "y" })]).toEqual(["some", "all"]);
  });
});

describe("Sidecar scope", () => {
  const services = [
    reviews,
    ratings,
    aService("db.backend.svc.cluster.local", {
      ports: [
        { number: 27017, name: "mongo", protocol: "Mongo" },
        { number: 80, name: "http", protocol: "HTTP" },
      ],
    }),
  ];
  const seen = (spec: object, node = aNode()) =>
    see(
      { services, config: [anObject("Sidecar", "s", spec)] },
      (read) =>
        sidecarScopeOf(read)
          .services.map((service) => `${service.name}:${service.ports.map((port) => port.number)}`)
          .sort(),
      node,
    );

  it.each([
    [["*/*"], ["db:27017,80", "ratings:9080", "reviews:9080"]],
    [["./*"], ["reviews:9080"]],
    [["backend/*"], ["db:27017,80", "ratings:9080"]],
    [["backend/ratings.backend.svc.cluster.local"], ["ratings:9080"]],
    [
      ["*/*", "~backend/db.backend.svc.cluster.local"],
      ["ratings:9080", "reviews:9080"],
    ],
    [["~/*"], []],
  ])("egress %j imports %j", (hosts, expected) => {
    expect(seen({ egress: [{ hosts }] })).toEqual(expected);
  });

  it("cuts services down to the port of a listener and joins listeners", () => {
    expect(seen({ egress: [{ port: { number: 80, protocol: "HTTP", name: "h" }, hosts: ["*/*"] }] })).toEqual([
      "db:80",
    ]);
  });

  it("is the root namespace's where a namespace has none, and only one without a selector", () => {
    const egress = [{ hosts: ["~/*"] }];
    const config = [
      anObject("Sidecar", "of-mesh", { egress }, { namespace: "istio-system" }),
      anObject("Sidecar", "some", { workloadSelector: { labels: {} }, egress }, { namespace: "istio-system" }),
      anObject("Sidecar", "own", { egress }),
    ];
    const of = (name: string, meshConfig = {}) =>
      see({ services, config, meshConfig }, (read) => sidecarScopeOf(read).sidecar?.metadata.name, aNode(name));
    expect([of("a.default"), of("a.other")]).toEqual(["own", "of-mesh"]);
    expect(of("a.other", { rootNamespace: "elsewhere" })).toBeUndefined();
  });

  it("imports what the routes that it imports lead to, mirrors too, on the ports that they name", () => {
    const route = anObject("VirtualService", "shop", {
      hosts: ["shop.test"],
      http: [
        {
          route: [{ destination: { host: "ratings.backend.svc.cluster.local" } }],
          mirrors: [{ destination: { host: "db.backend.svc.cluster.local", port: { number: 80 } } }],
        },
        {
          match: [{ sourceNamespace: "other" }],
          route: [{ destination: { host: "reviews.default.svc.cluster.local" } }],
        },
      ],
    });
    const sidecar = (hosts: string[]) => anObject("Sidecar", "s", { egress: [{ hosts }] });
    const names = (hosts: string[]) =>
      see({ services, config: [route, sidecar(hosts)] }, (read) =>
        sidecarScopeOf(read)
          .services.map((service) => `${service.name}:${service.ports.map((port) => port.number)}`)
          .sort(),
      );
    expect(names(["./shop.test"])).toEqual(["db:80", "ratings:9080"]);
    expect(names(["./other.test"])).toEqual([]);
  });

  it("prefers a selected Sidecar, then the namespace's; other namespaces are free", () => {
    const config = [
      anObject("Sidecar", "all", { egress: [{ hosts: ["~/*"] }] }),
      anObject("Sidecar", "some", { workloadSelector: { labels: { app: "x" } }, egress: [{ hosts: ["./*"] }] }),
    ];
    const of = (name: string, labels: object) =>
      see(
        { services, config },
        (read) => sidecarScopeOf(read).sidecar?.metadata.name,
        aNode(name, "10.0.0.1", { LABELS: labels }),
      );
    expect([of("a.default", { app: "x" }), of("a.default", {}), of("a.other", {})]).toEqual(["some", "all", undefined]);
  });
});

describe("joins", () => {
  const pod = aWorkload("reviews-1", { addresses: ["10.0.0.8"], labels: { app: "reviews" }, ports: { web: 8080 } });
  it("make workloads that a selector picks endpoints, by target port", () => {
    const service = aService("reviews.default.svc.cluster.local", {
      selector: { app: "reviews" },
      ports: [{ number: 80, name: "http", protocol: "HTTP", targetPort: "web" }],
    });
    const found = see(
      { services: [service], workloads: [pod, aWorkload("other", { addresses: ["10.0.0.9"] })] },
      (read) => endpointsOf(read, service),
    );
    expect(found.map(({ addresses, ports }) => ({ addresses, ports }))).toEqual([
      { addresses: ["10.0.0.8"], ports: { http: 8080 } },
    ]);
  });

  it("tell a node what it serves, by address or by its labels", () => {
    const service = aService("reviews.default.svc.cluster.local", { selector: { app: "reviews" } });
    const targets = (node: ProxyNode, workloads = [pod]) =>
      see(
        { services: [service], workloads },
        (read) => serviceTargetsOf(read).map(({ targetPort }) => targetPort),
        node,
      );
    expect(targets(aNode("reviews-1.default", "10.0.0.8"))).toEqual([9080]);
    expect(targets(aNode("x.default", "10.0.0.99", { LABELS: { app: "reviews" } }), [])).toEqual([9080]);
    expect(targets(aNode("x.default", "10.0.0.99"), [])).toEqual([]);
  });
});

describe("policies", () => {
  const policy = (name: string, namespace: string, spec: object) =>
    anObject("PeerAuthentication", name, spec, { namespace });
  it("compose from mesh to namespace to workload, ports last", () => {
    const config = [
      policy("mesh", "istio-system", { mtls: { mode: "STRICT" } }),
      policy("ns", "default", { mtls: { mode: "UNSET" } }),
      policy("w", "default", {
        selector: { matchLabels: { app: "x" } },
        mtls: { mode: "DISABLE" },
        portLevelMtls: { "80": { mode: "STRICT" }, "90": {} },
      }),
    ];
    const of = (labels: object) =>
      see({ config }, (read) => peerAuthenticationOf(read), aNode("a.default", "10.0.0.1", { LABELS: labels }));
    expect(of({})).toMatchObject({ mode: "STRICT", ports: {} });
    expect(of({ app: "x" })).toMatchObject({ mode: "DISABLE", ports: { 80: "STRICT", 90: "DISABLE" } });
    expect(see({ config }, (read) => namespaceMutualTls(read, "default"))).toBe("STRICT");
    expect(see({}, (read) => namespaceMutualTls(read, "default"))).toBeUndefined();
  });

  it("Gateways pick proxies of any namespace by label", () => {
    const config = [
      anObject("Gateway", "edge", { selector: { istio: "ingress" }, servers: [] }, { namespace: "elsewhere" }),
    ];
    const of = (labels: object) =>
      see({ config }, (read) => gatewaysOf(read).length, aNode("gw.default", "10.0.0.1", { LABELS: labels }));
    expect([of({ istio: "ingress" }), of({})]).toEqual([1, 0]);
  });
});
