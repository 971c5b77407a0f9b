import type { ConfigObject } from "@fairlead/config";
import { MemoryCollection, type Service } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { aggregateRegistry } from "./aggregate-registry.ts";
import { memoryRegistry } from "./memory-registry.ts";
import type { Registry } from "./registry.ts";
import { serviceEntryRegistry } from "./service-entry/registry.ts";
import { registryContract } from "./testing/contract.ts";

registryContract({ describe, it }, "aggregateRegistry", () => {
  const config = new MemoryCollection<ConfigObject>();
  return {
    registry: aggregateRegistry([memoryRegistry(), serviceEntryRegistry(config)]),
    set: (addresses) =>
      config.set("web", {
        kind: "ServiceEntry",
        apiVersion: "networking.istio.io/v1",
        metadata: { name: "web", namespace: "shop", labels: {}, annotations: {} },
        spec: {
          hosts: ["web.shop.internal"],
          ports: [{ number: 80, name: "http" }],
          resolution: "STATIC",
          endpoints: addresses.map((address) => ({ address })),
        },
      }),
    remove: () => config.delete("web"),
  };
});

const service = (registry: string, address: string): Service => ({
  hostname: "web.shop.svc.cluster.local",
  namespace: "shop",
  name: "web",
  registry,
  ports: [{ number: 80, name: address, protocol: "HTTP" }],
  addresses: [address],
  resolution: "ClientSideLB",
  meshExternal: false,
  exportTo: [],
  labels: {},
  subjectAltNames: [],
  source: { kind: "Service", namespace: "shop", name: "web" },
});
const KEY = "shop/web.shop.svc.cluster.local";

describe("aggregateRegistry", () => {
  it("lets the first registry win, and the next when it lets go", () => {
    const first = memoryRegistry({ services: [service("a", "10.0.0.1")] });
    const second = memoryRegistry({ services: [service("b", "10.0.0.2")] });
    const registry = aggregateRegistry([first, second]);
    expect(registry.services.get(KEY)?.addresses).toEqual(["10.0.0.1"]);
    first.deleteService(service("a", ""));
    expect(registry.services.get(KEY)?.addresses).toEqual(["10.0.0.2"]);
    first.putService(service("a", "10.0.0.3"));
    expect(registry.services.get(KEY)?.addresses).toEqual(["10.0.0.3"]);
  });

  it("makes one service of a Kubernetes service in two clusters", () => {
    const registry = aggregateRegistry([
      memoryRegistry({ services: [service("Kubernetes", "10.0.0.1")] }),
      memoryRegistry({ services: [service("Kubernetes", "10.9.0.1")] }),
      memoryRegistry({ services: [service("External", "10.7.0.1")] }),
    ]);
    expect(registry.services.get(KEY)?.addresses).toEqual(["10.0.0.1", "10.9.0.1"]);
    expect(registry.services.get(KEY)?.ports).toHaveLength(1);
    expect(registry.diagnostics()).toMatchObject([{ code: "service-shadowed", severity: "info" }]);
  });

  it("keeps endpoints and workloads of equal names apart", () => {
    const endpoints = { hostname: "web", namespace: "shop", endpoints: [] };
    const workload = (clusterId: string) => ({
      name: "web-0",
      namespace: "shop",
      addresses: [],
      labels: {},
      serviceAccount: "",
      locality: { region: "", zone: "", subzone: "" },
      network: "",
      clusterId,
      health: "healthy" as const,
      tlsMode: "disabled" as const,
      ports: {},
      workloadName: "web",
      source: { kind: "Pod", namespace: "shop", name: "web-0" },
    });
    const registry = aggregateRegistry([
      memoryRegistry({ endpoints: [endpoints], workloads: [workload("one")] }),
      memoryRegistry({ endpoints: [endpoints], workloads: [workload("two")] }),
    ]);
    expect([...registry.endpoints.keys()]).toEqual(["shop/web", "shop/web@registry-1"]);
    expect([...registry.workloads.keys()]).toEqual(["Pod/shop/web-0", "Pod/shop/web-0@two"]);
  });

  const broken = (): Registry => {
    const ready = Promise.reject(new Error("no route to host"));
    ready.catch(() => undefined);
    return { ...memoryRegistry({}, "far"), ready };
  };

  it("goes on without a registry that fails, and says so", async () => {
    const registry = aggregateRegistry([broken(), memoryRegistry({ services: [service("a", "10.0.0.1")] })]);
    await registry.ready;
    expect(registry.services.get(KEY)).toBeDefined();
    expect(registry.diagnostics()).toMatchObject([
      { code: "registry-unavailable", message: "registry far cannot be read: no route to host" },
    ]);
  });

  it("is never ready when all of them fail", async () => {
    await expect(aggregateRegistry([broken()]).ready).rejects.toMatchObject({ code: "unreachable" });
  });

  it("closes its registries once, all of them, though one throws", async () => {
    const closed: string[] = [];
    const failing: Registry = { ...memoryRegistry(), close: () => Promise.reject(new Error("stuck")) };
    const fine: Registry = { ...memoryRegistry(), close: () => void closed.push("fine") };
    const registry = aggregateRegistry([failing, fine]);
    await expect(registry.close()).rejects.toThrow(AggregateError);
    await expect(registry.close()).rejects.toThrow(AggregateError);
    expect(closed).toEqual(["fine"]);
  });
});
