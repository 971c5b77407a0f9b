import type { ConfigObject, EnvoyConfigPatch, MeshConfig, ProxyConfig } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { anObject } from "@fairlead/mesh/testing";
import { parseNode } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import type { BootstrapOptions } from "./bootstrap.ts";
import { proxyStart } from "./proxy-start.ts";

const JSON_NODE = {
  id: "sidecar~10.0.0.1~page-1.default~default.svc.cluster.local",
  metadata: { LABELS: { app: "page" } },
};

function start(config: readonly ConfigObject[] = [], meshConfig: MeshConfig = {}, options: BootstrapOptions = {}) {
  const { node } = parseNode(JSON_NODE);
  if (!node) throw new Error("bad node");
  return proxyStart(Mesh.of({ meshConfig, config }), node, JSON_NODE, options);
}

const kind = (name: string, spec: ProxyConfig, namespace = "default") =>
  anObject("ProxyConfig", name, spec, { namespace });
const patch = (value: object, operation: "MERGE" | "ADD" = "MERGE") =>
  anObject("EnvoyFilter", "boot", {
    configPatches: [{ applyTo: "BOOTSTRAP", patch: { operation, value } } as EnvoyConfigPatch],
  });

describe("ProxyConfig", () => {
  it("holds from the workload outwards, each field on its own", () => {
    const made = start(
      [
        kind("of-mesh", { concurrency: 1, environmentVariables: { A: "mesh", B: "mesh", C: "mesh" } }, "istio-system"),
        kind("of-namespace", { concurrency: 2, environmentVariables: { A: "namespace", B: "namespace" } }),
        kind("of-workload", { selector: { matchLabels: { app: "page" } }, environmentVariables: { A: "workload" } }),
        kind("of-another", { selector: { matchLabels: { app: "other" } }, concurrency: 9 }),
        kind("of-the-root", { selector: { matchLabels: { app: "page" } }, concurrency: 8 }, "istio-system"),
        kind("elsewhere", { concurrency: 7 }, "other"),
      ],
      {
        defaultConfig: { concurrency: 3, image: { imageType: "debug" }, proxyMetadata: { D: "default", A: "default" } },
      },
    );
    expect(made).toMatchObject({
      concurrency: 2,
      environment: { A: "workload", B: "namespace", C: "mesh", D: "default" },
      image: "debug",
    });
    expect(start().concurrency).toBeUndefined();
    expect(start([kind("all", { concurrency: 0 })]).concurrency).toBe(0);
  });
});

describe("the mesh's settings", () => {
  it("are in the bootstrap, under what the caller says", () => {
    const defaultConfig = {
      discoveryAddress: "istiod.mesh:15012",
      proxyAdminPort: 15010,
      runtimeValues: { "some.flag": "true" },
      proxyStatsMatcher: { inclusionPrefixes: ["http"], inclusionSuffixes: ["_cx"], inclusionRegexps: ["a.*b"] },
      statsdUdpAddress: "10.0.0.9:8125",
    };
    const { bootstrap } = start([], { defaultConfig });
    expect(bootstrap.admin).toEqual({ address: { socketAddress: { address: "127.0.0.1", portValue: 15010 } } });
    expect(JSON.stringify(bootstrap.staticResources?.clusters?.[0])).toContain(
      '"address":"istiod.mesh","portValue":15012',
    );
    expect(bootstrap.layeredRuntime?.layers?.at(-1)).toEqual({ name: "mesh", staticLayer: { "some.flag": "true" } });
    expect(bootstrap.statsConfig?.statsMatcher?.inclusionList?.patterns?.slice(-4)).toEqual([
      { prefix: "wasm" },
      { prefix: "http" },
      { suffix: "_cx" },
      { safeRegex: { regex: "a.*b" } },
    ]);
    expect(bootstrap.statsSinks?.[0]?.name).toBe("envoy.stat_sinks.statsd");
    const own = start([], { defaultConfig }, { ads: "127.0.0.1:15010", admin: "127.0.0.2:9" }).bootstrap;
    expect(own.admin).toEqual({ address: { socketAddress: { address: "127.0.0.2", portValue: 9 } } });
  });
});

describe("an EnvoyFilter for BOOTSTRAP", () => {
  it("is merged", () => {
    const { bootstrap, diagnostics } = start([patch({ stats_flush_interval: "7s", admin: { profile_path: "/p" } })]);
    expect(bootstrap).toMatchObject({
      statsFlushInterval: "7s",
      admin: { profilePath: "/p", address: { socketAddress: { portValue: 15000 } } },
    });
    expect(diagnostics).toEqual([]);
  });

  it.each([
    [patch({ statsFlushInterval: "7s" }, "ADD"), "spec.configPatches[0].patch.operation"],
    [patch({ noSuchField: 1 }), "spec.configPatches[0].patch.value.noSuchField"],
  ])("that cannot be is told: %#", (object, path) => {
    const { bootstrap, diagnostics } = start([object]);
    expect(bootstrap.statsFlushInterval).toBeUndefined();
    expect(diagnostics.map((one) => one.path)).toEqual([path]);
  });
});
