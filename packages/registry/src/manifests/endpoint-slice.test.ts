import { describe, expect, it } from "vitest";
import { ENDPOINTS, load, node, object, pod, service, slice } from "../../test/kubernetes-objects.ts";
import type { ManifestsRegistryOptions } from "./options.ts";

describe("EndpointSlices", () => {
  const toPod = (name: string, ip: string, conditions: object = {}) => ({
    addresses: [ip],
    conditions,
    targetRef: { kind: "Pod", name, namespace: "shop" },
  });

  it("take identity, labels and locality from their Pods", () => {
    const { registry } = load([service, pod("web-1", "10.1.0.1"), node, slice([toPod("web-1", "10.1.0.1")])]);
    expect(registry.endpoints.get(ENDPOINTS)).toMatchObject({
      hostname: "web.shop.svc.cluster.local",
      endpoints: [
        {
          addresses: ["10.1.0.1"],
          ports: { http: 8080 },
          serviceAccount: "web",
          tlsMode: "istio",
          locality: { region: "r1" },
          workloadName: "web-1",
        },
      ],
    });
  });

  it("leave out a Pod that is not known, and take it in when it comes", () => {
    const { registry, put } = load([service, slice([toPod("web-1", "10.1.0.1")])]);
    expect(registry.endpoints.get(ENDPOINTS)).toBeUndefined();
    expect(registry.diagnostics()).toMatchObject([{ code: "pod-not-found", path: "endpoints[0].addresses[0]" }]);
    put(pod("web-1", "10.1.0.1"));
    expect(registry.endpoints.get(ENDPOINTS)?.endpoints).toHaveLength(1);
    expect(registry.diagnostics()).toEqual([]);
  });

  it("without a target, guess the Pod of the namespace by its address, or have none", () => {
    const { registry } = load([service, pod("web-1", "10.1.0.1"), slice([{ addresses: ["10.1.0.1", "192.0.2.1"] }])]);
    expect(registry.endpoints.get(ENDPOINTS)?.endpoints).toMatchObject([
      { addresses: ["10.1.0.1"], serviceAccount: "web" },
      { addresses: ["192.0.2.1"], serviceAccount: "", tlsMode: "disabled" },
    ]);
  });

  const notReady = { ready: false, serving: false, terminating: false };
  const draining = { ready: false, serving: true, terminating: true };
  const labelled = {
    ...service,
    metadata: { ...service.metadata, labels: { "istio.io/persistent-session": "cookie" } },
  };
  it.each([
    ["ready", service, { ready: true }, ["healthy"]],
    ["unknown counts as ready", service, {}, ["healthy"]],
    ["not ready", service, notReady, ["unhealthy"]],
    ["terminating", service, draining, ["terminating"]],
    ["draining where sessions are kept", labelled, draining, ["draining"]],
    ["terminating where sessions are kept", labelled, { ...draining, serving: false }, ["terminating"]],
  ])("%s", (_, owner, conditions, health) => {
    const { registry } = load([owner, slice([{ addresses: ["10.1.0.1"], conditions }])]);
    expect((registry.endpoints.get(ENDPOINTS)?.endpoints ?? []).map((endpoint) => endpoint.health)).toEqual(health);
  });

  it("make one endpoint of a dual-stack Pod when asked to", () => {
    const dual = { ...service, spec: { ...(service.spec as object), clusterIPs: ["10.96.0.1", "fd00::1"] } };
    const both = {
      ...pod("web-1", ""),
      status: { podIP: "10.1.0.1", podIPs: [{ ip: "10.1.0.1" }, { ip: "fd00::9" }] },
    };
    const four = slice([toPod("web-1", "10.1.0.1")]);
    const six = {
      ...slice([toPod("web-1", "fd00::9")], { addressType: "IPv6" }),
      metadata: { ...four.metadata, name: "web-6" },
    };
    const addresses = (options: ManifestsRegistryOptions) =>
      [...load([dual, both, four, six], options).registry.endpoints.values()].flatMap(({ endpoints }) =>
        endpoints.map((endpoint) => endpoint.addresses.join()),
      );
    expect(addresses({ dualStack: true })).toEqual(["10.1.0.1,fd00::9"]);
    expect(addresses({})).toEqual(["10.1.0.1", "fd00::9"]);
  });

  it("by name are reported", () => {
    const { registry } = load([service, slice([{ addresses: ["a.test"] }], { addressType: "FQDN" })]);
    expect(registry.diagnostics()).toMatchObject([{ code: "unsupported-field", path: "addressType" }]);
  });

  it("push aside an Endpoints object of the same service", () => {
    const endpoints = object("Endpoints", "web", {
      subsets: [
        {
          addresses: [{ ip: "10.2.0.1" }],
          notReadyAddresses: [{ ip: "10.2.0.2" }],
          ports: [{ name: "http", port: 8080 }],
        },
      ],
    });
    const { registry, put } = load([service, endpoints]);
    const addresses = () =>
      [...registry.endpoints.values()].flatMap((given) =>
        given.endpoints.map((one) => `${one.health} ${one.addresses[0]}`),
      );
    expect(addresses()).toEqual(["healthy 10.2.0.1", "unhealthy 10.2.0.2"]);
    put(slice([{ addresses: ["10.1.0.1"] }]));
    expect(addresses()).toEqual(["healthy 10.1.0.1"]);
  });
});
