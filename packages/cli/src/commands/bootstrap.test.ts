import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { fairlead, folderOf } from "../../test/captured.ts";

const NODE = {
  id: "sidecar~10.0.0.9~page-1.default~default.svc.cluster.local",
  cluster: "page.default",
  metadata: { LABELS: { app: "page" } },
  locality: { region: "r", zone: "z" },
};

describe("bootstrap", () => {
  it("prints YAML without aliases, the same as its JSON", async () => {
    await using folder = await folderOf({ "node.json": JSON.stringify(NODE) });
    const words = ["bootstrap", "--node", folder.at("node.json")];
    const [yaml, json] = [await fairlead(...words), await fairlead(...words, "-o", "json")];
    expect([yaml.code, json.code]).toEqual([0, 0]);
    const bootstrap: unknown = parse(yaml.out);
    expect(bootstrap).toEqual(JSON.parse(json.out));
    expect(yaml.out).not.toMatch(/[&*]a\d/);
    expect(bootstrap).toMatchObject({
      node: NODE,
      dynamicResources: { adsConfig: { apiType: "DELTA_GRPC", transportApiVersion: "V3" } },
    });
  });

  it("takes what a mesh says of a proxy's start", async () => {
    await using folder = await folderOf({
      "node.json": JSON.stringify(NODE),
      "mesh.yaml": `apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: { name: page, namespace: default }
spec: { selector: { matchLabels: { app: page } }, concurrency: 4, environmentVariables: { LEVEL: debug } }
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: { name: boot, namespace: default }
spec:
  configPatches:
  - { applyTo: BOOTSTRAP, patch: { operation: MERGE, value: { stats_flush_interval: 7s } } }
`,
      "settings.yaml":
        "defaultConfig: { runtimeValues: { a.b: '1' }, proxyStatsMatcher: { inclusionPrefixes: [http] } }\n",
    });
    const { code, out, err } = await fairlead(
      ...["bootstrap", "--node", folder.at("node.json"), "-f", folder.at("mesh.yaml")],
      ...["--mesh-config", folder.at("settings.yaml"), "-o", "json"],
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      statsFlushInterval: "7s",
      layeredRuntime: { layers: [{}, { name: "mesh" }] },
    });
    expect(err.split("\n").filter(Boolean)).toEqual([
      "start it with --concurrency 4",
      "in its environment: LEVEL=debug",
    ]);
  });

  it("takes where the servers are, and how they are reached", async () => {
    await using folder = await folderOf({ "node.json": JSON.stringify(NODE) });
    const { code, out } = await fairlead(
      ...["bootstrap", "--node", folder.at("node.json"), "--ads", "127.0.0.1:15010", "--insecure", "--mode", "sotw"],
      ...["--sds", "/run/agent.sock", "--admin", "127.0.0.2:9901", "-o", "json"],
    );
    expect(code).toBe(0);
    const bootstrap = JSON.parse(out) as { staticResources: { clusters: readonly object[] } };
    expect(bootstrap).toMatchObject({
      admin: { address: { socketAddress: { address: "127.0.0.2", portValue: 9901 } } },
      dynamicResources: { adsConfig: { apiType: "GRPC" } },
    });
    const [ads, sds] = bootstrap.staticResources.clusters;
    expect(JSON.stringify(ads)).toContain('"address":"127.0.0.1","portValue":15010');
    expect(ads).not.toHaveProperty("transportSocket");
    expect(JSON.stringify(sds)).toContain('"path":"/run/agent.sock"');
  });
});
