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
