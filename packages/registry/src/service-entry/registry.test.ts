import type { ConfigObject, ObjectMeta, ServiceEntry } from "@fairlead/config";
import { MemoryCollection, type Namespace } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { registryContract } from "../testing/contract.ts";
import { serviceEntryRegistry } from "./registry.ts";

type Kind = "ServiceEntry" | "WorkloadEntry" | "WorkloadGroup";
const object = <K extends Kind>(
  kind: K,
  name: string,
  spec: ConfigObject<K>["spec"],
  metadata: Partial<ObjectMeta> = {},
  status?: unknown,
): ConfigObject<K> => ({
  kind,
  apiVersion: "networking.istio.io/v1",
  metadata: { name, namespace: "shop", labels: {}, annotations: {}, ...metadata },
  spec,
  status,
});
const entry = (name: string, spec: ServiceEntry, metadata: Partial<ObjectMeta> = {}) =>
  object("ServiceEntry", name, spec, metadata);
const http = { number: 80, name: "http", protocol: "HTTP", targetPort: 8080 };

registryContract({ describe, it }, "serviceEntryRegistry", () => {
  const config = new MemoryCollection<ConfigObject>();
  return {
    registry: serviceEntryRegistry(config),
    set: (addresses) =>
      config.set(
        "web",
        entry("web", {
          hosts: ["web.shop.internal"],
          ports: [http],
          resolution: "STATIC",
          endpoints: addresses.map((address) => ({ address })),
        }),
      ),
    remove: () => config.delete("web"),
  };
});

const load = (...objects: ConfigObject[]) => {
  const config = new MemoryCollection<ConfigObject>();
  config.apply(objects.map((value) => [`${value.kind}/${value.metadata.name}`, value]));
  return { config, registry: serviceEntryRegistry(config) };
};

describe("serviceEntryRegistry", () => {
  it("gives each host a service with all addresses; a range of one address is that address", () => {
    const { registry } = load(
      entry("ext", {
        hosts: ["a.test", "*.b.test"],
        addresses: ["10.1.0.0/16", "10.2.3.4/32", "2001:db8::/128", "no"],
      }),
    );
    expect([...registry.services.keys()]).toEqual(["shop/a.test", "shop/*.b.test"]);
    expect(registry.services.get("shop/a.test")).toMatchObject({
      addresses: ["10.1.0.0/16", "10.2.3.4", "2001:db8::"],
      resolution: "Passthrough",
      meshExternal: true,
      registry: "External",
    });
  });

  it("resolves the host itself when DNS is asked for and no endpoint is listed", () => {
    const { registry } = load(entry("ext", { hosts: ["a.test"], ports: [http], resolution: "DNS" }));
    expect(registry.endpoints.get("shop/a.test#ext")?.endpoints).toMatchObject([
      { addresses: ["a.test"], ports: { http: 8080 }, workloadName: "ext" },
    ]);
  });

  it.each([
    ["a Unix socket has port 0", { address: "unix:///run/a.sock", ports: { http: 1 } }, 0],
    ["the endpoint's own port wins", { address: "10.0.0.1", ports: { http: 9090 } }, 9090],
    ["then the port's target", { address: "10.0.0.1" }, 8080],
  ])("%s", (_, endpoint, expected) => {
    const { registry } = load(
      entry("a", { hosts: ["a.test"], ports: [http], resolution: "STATIC", endpoints: [endpoint] }),
    );
    expect(registry.endpoints.get("shop/a.test#a")?.endpoints[0]?.ports).toEqual({ http: expected });
  });

  it("leaves the join by workloadSelector to others", () => {
    const { registry } = load(
      entry("a", { hosts: ["a.test"], ports: [http], resolution: "DNS", workloadSelector: { labels: { app: "a" } } }),
      object(
        "WorkloadEntry",
        "vm",
        {
          address: "10.0.0.9",
          labels: { app: "x", "istio-locality": "r1.z1" },
          serviceAccount: "vm",
          weight: 3,
          ports: { http: 81 },
        },
        { labels: { app: "a" } },
      ),
      object("WorkloadGroup", "group", { template: { serviceAccount: "vm" } }),
    );
    expect(registry.services.get("shop/a.test")?.selector).toEqual({ app: "a" });
    expect([...registry.endpoints.keys()]).toEqual([]);
    expect([...registry.workloads.values()]).toMatchObject([
      {
        name: "vm",
        addresses: ["10.0.0.9"],
        labels: { app: "a", "topology.kubernetes.io/zone": "z1", "topology.istio.io/cluster": "Kubernetes" },
        locality: { region: "r1", zone: "z1", subzone: "" },
        tlsMode: "istio",
        weight: 3,
        ports: { http: 81 },
        health: "healthy",
      },
    ]);
  });

  it.each([
    [undefined, "unhealthy"],
    ["False", "unhealthy"],
    ["True", "healthy"],
  ])("with health checks on, condition Healthy %s means %s", (status, health) => {
    const { registry } = load(
      object(
        "WorkloadEntry",
        "vm",
        { address: "10.0.0.9" },
        {
          annotations: { "proxy.istio.io/health-checks-enabled": "true" },
        },
        status && { conditions: [{ type: "Healthy", status }] },
      ),
    );
    expect([...registry.workloads.values()][0]?.health).toBe(health);
  });

  it("lets the oldest entry own a host and adds the ports of its equals", () => {
    const { config, registry } = load(
      entry(
        "new",
        { hosts: ["a.test"], ports: [{ number: 81, name: "more" }] },
        { creationTimestamp: "2024-01-02T00:00:00Z" },
      ),
      entry("old", { hosts: ["a.test"], ports: [http] }, { creationTimestamp: "2024-01-01T00:00:00Z" }),
      entry(
        "odd",
        { hosts: ["a.test"], ports: [{ number: 82, name: "odd" }], resolution: "DNS" },
        { creationTimestamp: "2024-01-03T00:00:00Z" },
      ),
    );
    expect(registry.services.get("shop/a.test")?.source.name).toBe("old");
    expect(registry.services.get("shop/a.test")?.ports.map(({ number }) => number)).toEqual([80, 81]);
    expect(registry.diagnostics()).toMatchObject([{ code: "host-conflict", object: { name: "odd" } }]);
    config.delete("ServiceEntry/old");
    expect(registry.services.get("shop/a.test")?.ports.map(({ number }) => number)).toEqual([81]);
  });

  it("says that connections are not raced", () => {
    const strategy = (value: string) =>
      load(
        entry("a", { hosts: ["a.test"], resolution: "DNS" }, { annotations: { "istio.io/connect-strategy": value } }),
      ).registry.diagnostics();
    expect(strategy("race_first_tcp_connect")).toMatchObject([
      { code: "unsupported-field", path: 'metadata.annotations["istio.io/connect-strategy"]', object: { name: "a" } },
    ]);
    expect(strategy("DEFAULT")).toEqual([]);
  });

  it("takes traffic distribution from the annotation, else from the namespace's", () => {
    const config = new MemoryCollection<ConfigObject>();
    const namespaces = new MemoryCollection<Namespace>();
    config.set("a", entry("a", { hosts: ["a.test"] }));
    const registry = serviceEntryRegistry(config, { namespaces });
    expect(registry.services.get("shop/a.test")?.trafficDistribution).toBeUndefined();
    namespaces.set("shop", {
      name: "shop",
      labels: {},
      annotations: { "networking.istio.io/traffic-distribution": "PreferClose" },
    });
    expect(registry.services.get("shop/a.test")?.trafficDistribution).toBe("PreferSameZone");
    config.set(
      "a",
      entry("a", { hosts: ["a.test"] }, { annotations: { "networking.istio.io/traffic-distribution": "nearby" } }),
    );
    expect(registry.services.get("shop/a.test")?.trafficDistribution).toBeUndefined();
    expect(registry.diagnostics()).toMatchObject([{ code: "unknown-value", object: { name: "a" } }]);
  });
});
