import { describe, expect, it } from "vitest";
import { type BootstrapOptions, bootstrap } from "./bootstrap.ts";

const node = {
  id: "sidecar~10.0.0.1~page-1.default~default.svc.cluster.local",
  metadata: { WORKLOAD_NAME: "page" },
  locality: { region: "r" },
};
const adsCluster = (options: BootstrapOptions) =>
  bootstrap(node, options).staticResources?.clusters?.find(({ name }) => name === "xds-grpc");

describe("bootstrap", () => {
  it("says who the proxy is", () => {
    expect(bootstrap(node).node).toEqual({ ...node, cluster: "page" });
  });

  it.each([
    ["istiod.istio-system.svc:15012", "STRICT_DNS"],
    ["127.0.0.1:15010", "STATIC"],
    ["[::1]:15010", "STATIC"],
    ["unix:/run/ads.sock", "STATIC"],
  ])("reaches %s by %s", (ads, type) => {
    expect(adsCluster({ ads })?.type).toBe(type);
  });

  it.each<[string, readonly string[] | undefined, object]>([
    ["istiod.istio-system.svc:15012", undefined, { sanType: "DNS", matcher: { exact: "istiod.istio-system.svc" } }],
    ["127.0.0.1:15012", undefined, { sanType: "IP_ADDRESS", matcher: { exact: "127.0.0.1" } }],
    ["127.0.0.1:15012", ["spiffe://td/istiod"], { sanType: "URI", matcher: { exact: "spiffe://td/istiod" } }],
  ])("takes %s (%j) for the control plane by its certificate's name", (ads, adsServerNames, matcher) => {
    const socket = adsCluster({ ads, ...(adsServerNames ? { adsServerNames } : {}) })?.transportSocket?.typedConfig;
    expect(socket).toMatchObject({
      commonTlsContext: {
        combinedValidationContext: { defaultValidationContext: { matchTypedSubjectAltNames: [matcher] } },
      },
    });
  });

  it("speaks the protocol and the security that are asked for", () => {
    const made = bootstrap(node, {
      ads: "127.0.0.1:15010",
      adsSecurity: "plaintext",
      mode: "sotw",
      admin: "127.0.0.2:9",
      sdsPath: "/run/sds.sock",
    });
    expect(made.dynamicResources?.adsConfig?.apiType).toBe("GRPC");
    expect(bootstrap(node).dynamicResources?.adsConfig?.apiType).toBe("DELTA_GRPC");
    expect(made.staticResources?.clusters?.map(({ transportSocket }) => transportSocket)).toEqual([
      undefined,
      undefined,
    ]);
    expect(JSON.stringify(made)).toContain('"pipe":{"path":"/run/sds.sock"}');
    expect(made.admin).toEqual({ address: { socketAddress: { address: "127.0.0.2", portValue: 9 } } });
  });
});
