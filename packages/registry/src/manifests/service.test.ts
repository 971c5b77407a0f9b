import { describe, expect, it } from "vitest";
import { load, object, type Parts, service } from "../../test/kubernetes-objects.ts";
import type { ManifestsRegistryOptions } from "./options.ts";

describe("Services", () => {
  const convert = (spec: object, parts: Parts = {}, options: ManifestsRegistryOptions = {}) => {
    const { registry } = load([object("Service", "web", { spec, ...parts })], options);
    return { service: [...registry.services.values()][0], diagnostics: registry.diagnostics() };
  };

  it.each([
    ["headless", { clusterIP: "None" }, { resolution: "Passthrough", headless: true, addresses: [] }],
    [
      "an alias",
      { type: "ExternalName", externalName: "a.test" },
      { resolution: "Alias", externalName: "a.test", meshExternal: true },
    ],
    [
      "dual stack",
      { clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1", "fd00::1"] },
      { addresses: ["10.0.0.1", "fd00::1"] },
    ],
    ["close", { trafficDistribution: "PreferClose" }, { trafficDistribution: "PreferSameZone" }],
    ["same node", { trafficDistribution: "PreferSameNode" }, { trafficDistribution: "PreferSameNode" }],
    ["reachable from outside", { externalIPs: ["192.0.2.1"] }, { externalAddresses: ["192.0.2.1"] }],
  ])("%s", (_, spec, expected) => {
    expect(convert(spec)).toMatchObject({ service: expected, diagnostics: [] });
  });

  it("have the addresses of their load balancer, names unresolved", () => {
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.1", hostname: "a.test" }, { hostname: "b.test" }] } };
    expect(convert({ type: "LoadBalancer" }, { status }).service?.externalAddresses).toEqual(["192.0.2.1", "b.test"]);
  });

  it("have the names of their certificates from annotations", () => {
    const annotations = {
      "alpha.istio.io/canonical-serviceaccounts": "spiffe://a/x",
      "alpha.istio.io/kubernetes-serviceaccounts": "one, bad name",
    };
    const { service: converted, diagnostics } = convert({}, { metadata: { annotations } }, { trustDomain: "td.test" });
    expect(converted?.subjectAltNames).toEqual(["spiffe://a/x", "spiffe://td.test/ns/shop/sa/one"]);
    expect(diagnostics).toMatchObject([{ code: "invalid-identity" }]);
  });

  it("follow their namespace's traffic distribution", () => {
    const { registry, put } = load([service]);
    const distribution = () => registry.services.get("shop/web.shop.svc.cluster.local")?.trafficDistribution;
    expect(distribution()).toBeUndefined();
    put(
      object("Namespace", "shop", {
        metadata: { annotations: { "networking.istio.io/traffic-distribution": "PreferClose" } },
      }),
    );
    expect(distribution()).toBe("PreferSameZone");
    expect(registry.namespaces.get("shop")?.name).toBe("shop");
  });

  it("say that the clients of one address are not kept together", () => {
    expect(convert({ sessionAffinity: "ClientIP" }).diagnostics).toMatchObject([
      { code: "unsupported-field", path: "spec.sessionAffinity" },
    ]);
    expect(convert({ sessionAffinity: "None" }).diagnostics).toEqual([]);
  });

  it("keep traffic on a node", () => {
    const { service, diagnostics } = convert({ internalTrafficPolicy: "Local" });
    expect([service?.nodeLocal, diagnostics]).toEqual([true, []]);
    expect(convert({ internalTrafficPolicy: "Cluster" }).service).not.toHaveProperty("nodeLocal");
  });
});
