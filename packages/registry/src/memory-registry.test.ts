import { type Service, serviceKey } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { memoryRegistry } from "./memory-registry.ts";
import { registryContract } from "./testing/contract.ts";

const web: Service = {
  hostname: "web.shop.internal",
  namespace: "shop",
  name: "web",
  registry: "memory",
  ports: [{ number: 80, name: "http", protocol: "HTTP" }],
  addresses: [],
  resolution: "ClientSideLB",
  meshExternal: false,
  exportTo: [],
  labels: {},
  subjectAltNames: [],
  source: { kind: "Service", namespace: "shop", name: "web" },
};

registryContract({ describe, it }, "memoryRegistry", () => {
  const registry = memoryRegistry();
  return {
    registry,
    set: (addresses) =>
      registry.put({
        services: [{ ...web }],
        endpoints: [
          {
            hostname: web.hostname,
            namespace: web.namespace,
            endpoints: addresses.map((address) => ({
              addresses: [address],
              ports: { http: 8080 },
              labels: {},
              namespace: "shop",
              serviceAccount: "web",
              locality: { region: "", zone: "", subzone: "" },
              network: "",
              clusterId: "one",
              health: "healthy",
              tlsMode: "disabled",
            })),
          },
        ],
      }),
    remove: () => {
      registry.deleteService(web);
      registry.deleteEndpoints(web);
    },
  };
});

describe("memoryRegistry", () => {
  it("starts with what it is given", () => {
    const registry = memoryRegistry({ services: [web], namespaces: [{ name: "shop", labels: {}, annotations: {} }] });
    expect(registry.services.get(serviceKey(web))).toBe(web);
    expect([...registry.namespaces.keys()]).toEqual(["shop"]);
  });

  it("keeps the endpoints of several sources of one service apart", () => {
    const registry = memoryRegistry();
    registry.putEndpoints({ hostname: "web", namespace: "shop", endpoints: [] }, "a");
    registry.putEndpoints({ hostname: "web", namespace: "shop", endpoints: [] }, "b");
    registry.deleteEndpoints({ hostname: "web", namespace: "shop" }, "a");
    expect([...registry.endpoints.keys()]).toEqual(["shop/web#b"]);
  });

  it("refuses edits once it is closed", async () => {
    const registry = memoryRegistry();
    await registry.close();
    expect(() => registry.putService(web)).toThrow(expect.objectContaining({ code: "closed" }));
  });
});
