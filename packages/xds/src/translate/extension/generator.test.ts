import type { ConfigObject, TrafficExtension, WasmPlugin } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { describe, expect, test } from "vitest";
import type { Listener, TypedExtensionConfig } from "../../proto/types.ts";
import { translate } from "../translate.ts";

const LUA = "function envoy_on_request(handle) end";
const SHA = "a".repeat(64);
const DEFAULT_NAMES = ["envoy.filters.http.grpc_stats", "envoy.filters.http.fault", "envoy.filters.http.cors"];

const lua = (name: string, spec: Partial<TrafficExtension> = {}, namespace = "default") =>
  anObject("TrafficExtension", name, { lua: { inlineCode: LUA }, ...spec } as TrafficExtension, { namespace });
const wasm = (spec: Partial<WasmPlugin>) => anObject("WasmPlugin", "w", { url: "file:///w.wasm", ...spec });

function translated(...config: readonly ConfigObject[]) {
  return translatedFor({}, ...config);
}

function translatedFor(metadata: Record<string, unknown>, ...config: readonly ConfigObject[]) {
  const services = [
    aService("web.default.svc.cluster.local", { ports: [{ number: 80, name: "http", protocol: "HTTP" }] }),
    aService("db.default.svc.cluster.local", {
      addresses: ["10.96.0.2"],
      ports: [{ number: 5432, name: "tcp", protocol: "TCP" }],
    }),
    aService("code.example", { ports: [{ number: 8080, name: "http", protocol: "HTTP" }] }),
  ];
  return translate(Mesh.of({ meshConfig: {}, services, config }), aNode(undefined, undefined, metadata));
}

/** Names of the HTTP filters of a listener, without those of every listener. */
function filtersOf({ listeners }: ReturnType<typeof translated>, listener: string): readonly string[] {
  const [, text = "[]"] =
    /"httpFilters":(\[.*?\]),"requestIdExtension"/.exec(
      JSON.stringify(listeners.find(({ name }) => name === listener)?.resource ?? {}),
    ) ?? [];
  return (JSON.parse(text) as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => !DEFAULT_NAMES.includes(name) && !name.endsWith(".router"));
}

const named = (name: string, namespace = "default") => `extensions.istio.io/trafficextension/${namespace}.${name}`;
const W = "default.w~istio-translated-wasmplugin";
const PLUGIN = named("w~istio-translated-wasmplugin");

describe("where extensions stand", () => {
  test("by phase, then priority, then namespace; authorization between the phases", () => {
    const deny = anObject("AuthorizationPolicy", "deny", { action: "DENY", rules: [{}] });
    const made = translated(
      deny,
      lua("last"),
      lua("of-mesh", { phase: "AUTHZ", priority: 1 }, "istio-system"),
      lua("second", { phase: "AUTHZ", priority: 1 }),
      lua("first", { phase: "AUTHZ", priority: 10 }),
      lua("before", { phase: "AUTHN" }),
      lua("counts", { phase: "STATS" }),
      lua("elsewhere", {}, "other"),
    );
    const order = ["before", "first", "second"].map((name) => named(name));
    const rest = ["counts", "last"].map((name) => named(name));
    const ofMesh = named("of-mesh", "istio-system");
    expect(filtersOf(made, "virtualInbound")).toEqual([...order, ofMesh, "envoy.filters.http.rbac", ...rest]);
    expect(filtersOf(made, "10.96.0.1_80").length + filtersOf(made, "0.0.0.0_80").length).toBeGreaterThan(0);
    expect(made.extensions.map(({ name }) => name)).toEqual([...order, ofMesh, ...rest].sort());
  });

  test.each<[NonNullable<TrafficExtension["match"]>, boolean, boolean]>([
    [[{ mode: "CLIENT" }], true, false],
    [[{ mode: "SERVER" }], false, true],
    [[{ mode: "CLIENT_AND_SERVER" }], true, true],
    [[{ ports: [{ number: 80 }] }], true, false],
    [[{ ports: [{ number: 81 }] }, { mode: "CLIENT", ports: [{ number: 80 }] }], true, false],
    [[{ ports: [{ number: 81 }] }], false, false],
  ])("match %j", (match, outbound, inbound) => {
    const made = translated(lua("one", { match }));
    const has = (listener: string) => filtersOf(made, listener).includes(named("one"));
    expect([has("0.0.0.0_80"), has("virtualInbound")]).toEqual([outbound, inbound]);
  });
});

describe("what they are", () => {
  test("a Lua script, over ECDS", () => {
    const made = translated(lua("script"));
    expect(made.extensions.map(({ resource }) => resource)).toEqual([
      {
        name: named("script"),
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
          defaultSourceCode: { inlineString: LUA },
        },
      },
    ]);
    expect(JSON.stringify(made.listeners)).toContain(
      `{"name":"${named("script")}","configDiscovery":{"configSource":{"ads":{},"initialFetchTimeout":"0s","resourceApiVersion":"V3"}`,
    );
    expect(made.diagnostics).toEqual([]);
  });

  test("a module from a file, with its settings", () => {
    const made = translated(
      wasm({
        pluginName: "root",
        pluginConfig: { b: 1, a: { d: true, c: [] } },
        failStrategy: "FAIL_OPEN",
        vmConfig: {
          env: [
            { name: "A", value: "1" },
            { name: "HOME", valueFrom: "HOST" },
          ],
        },
      }),
    );
    expect(made.extensions.map(({ resource }) => resource)).toEqual([
      {
        name: PLUGIN,
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
          config: {
            name: W,
            rootId: "root",
            configuration: {
              "@type": "type.googleapis.com/google.protobuf.StringValue",
              value: '{"a":{"c":[],"d":true},"b":1}',
            },
            failurePolicy: "FAIL_OPEN",
            vmConfig: {
              runtime: "envoy.wasm.runtime.v8",
              code: { local: { filename: "/w.wasm" } },
              environmentVariables: { hostEnvKeys: ["HOME"], keyValues: { A: "1" } },
            },
          },
        },
      },
    ]);
  });

  test("a module from a service of the mesh, fetched by Envoy", () => {
    const made = translated(wasm({ url: "http://code.example:8080/w.wasm", sha256: SHA }));
    expect(JSON.stringify(made.extensions.map(({ resource }) => resource))).toContain(
      `{"remote":{"httpUri":{"uri":"http://code.example:8080/w.wasm","cluster":"outbound|8080||code.example","timeout":"30s"},"sha256":"${SHA}"}}`,
    );
  });

  test.each<[Partial<WasmPlugin>, readonly string[], boolean]>([
    [{ failStrategy: "FAIL_OPEN", url: "oci://registry.example/w:v1" }, ["spec.url"], false],
    [
      { failStrategy: "FAIL_OPEN", url: "registry.example/w:v1", imagePullSecret: "s" },
      ["spec.url", "spec.imagePullSecret"],
      false,
    ],
    [{ failStrategy: "FAIL_OPEN", url: "http://code.example:8080/w.wasm" }, ["spec.sha256"], false],
    [{ failStrategy: "FAIL_OPEN", url: "https://unknown.example/w.wasm", sha256: SHA }, ["spec.url"], false],
    [{ imagePullPolicy: "Always", verificationKey: "k" }, ["spec.imagePullPolicy", "spec.verificationKey"], true],
  ])("what Envoy cannot do is said: %j", (spec, paths, runs) => {
    const made = translated(wasm(spec));
    expect(made.diagnostics.map(({ path }) => path)).toEqual(paths);
    expect(made.extensions.length).toBe(runs ? 1 : 0);
    expect(filtersOf(made, "virtualInbound")).toEqual(runs ? [PLUGIN] : []);
  });

  test("what must not fail open denies when it cannot run", () => {
    const made = translated(wasm({ url: "oci://registry.example/w:v1" }));
    expect(made.extensions.map(({ resource }) => resource)).toEqual([
      {
        name: PLUGIN,
        typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC", rules: {} },
      },
    ]);
    expect(filtersOf(made, "virtualInbound")).toEqual([PLUGIN]);
    expect(made.diagnostics.map(({ message }) => message).join()).toContain("requests are denied");
  });

  test("a filter of connections, in every chain before what handles them", () => {
    const made = translated(
      wasm({ type: "NETWORK" }),
      anObject("AuthorizationPolicy", "deny", {
        action: "DENY",
        rules: [{ from: [{ source: { namespaces: ["x"] } }] }],
      }),
      anObject("TrafficExtension", "first", {
        phase: "AUTHN",
        wasm: { url: "file:///first.wasm", type: "NETWORK" },
        match: [{ mode: "SERVER" }],
      }),
    );
    const names = (listener: string) =>
      (made.listeners.find(({ name }) => name === listener)?.resource as Listener | undefined)?.filterChains?.map(
        (chain) => chain.filters?.map(({ name }) => name?.replace("envoy.filters.network.", "")),
      );
    expect(names("10.96.0.2_5432")).toEqual([[PLUGIN, "tcp_proxy"]]);
    expect(names("0.0.0.0_80")).toEqual([[PLUGIN, "http_connection_manager"]]);
    expect(names("virtualInbound")).toContainEqual([named("first"), "rbac", PLUGIN, "tcp_proxy"]);
    expect(names("virtualInbound")).toContainEqual([named("first"), PLUGIN, "http_connection_manager"]);
    expect(
      made.extensions.map(({ name, resource }) => [name, (resource as TypedExtensionConfig).typedConfig?.["@type"]]),
    ).toEqual(
      [named("first"), PLUGIN].map((name) => [
        name,
        "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm",
      ]),
    );
    const closed = translated(wasm({ type: "NETWORK", url: "oci://registry.example/w:v1" }));
    expect(closed.extensions.map(({ resource }) => resource)).toEqual([
      {
        name: PLUGIN,
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC",
          rules: {},
          statPrefix: "wasm-default-deny",
        },
      },
    ]);
  });

  test("an image, where Istio's agent is there to fetch it", () => {
    const made = translatedFor(
      { ISTIO_VERSION: "1.32.0" },
      wasm({ url: "registry.example/w:v1", imagePullPolicy: "Always", imagePullSecret: "s", sha256: SHA }),
    );
    expect(made.diagnostics.map(({ path }) => path)).toEqual(["spec.imagePullSecret"]);
    expect(made.extensions.map(({ resource }) => resource)).toEqual([
      {
        name: PLUGIN,
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
          config: {
            name: W,
            configuration: {},
            failurePolicy: "FAIL_CLOSED",
            vmConfig: {
              runtime: "envoy.wasm.runtime.v8",
              code: {
                remote: { httpUri: { uri: "oci://registry.example/w:v1", cluster: "_", timeout: "30s" }, sha256: SHA },
              },
              environmentVariables: {
                keyValues: { ISTIO_META_WASM_IMAGE_PULL_POLICY: "Always", ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION: "" },
              },
            },
          },
        },
      },
    ]);
  });
});
