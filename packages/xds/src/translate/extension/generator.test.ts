import type { ConfigObject, TrafficExtension, WasmPlugin } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { describe, expect, test } from "vitest";
import { translate } from "../translate.ts";

const LUA = "function envoy_on_request(handle) end";
const SHA = "a".repeat(64);
const DEFAULT_NAMES = ["envoy.filters.http.grpc_stats", "envoy.filters.http.fault", "envoy.filters.http.cors"];

const lua = (name: string, spec: Partial<TrafficExtension> = {}, namespace = "default") =>
  anObject("TrafficExtension", name, { lua: { inlineCode: LUA }, ...spec } as TrafficExtension, { namespace });
const wasm = (spec: Partial<WasmPlugin>) => anObject("WasmPlugin", "w", { url: "file:///w.wasm", ...spec });

function translated(...config: readonly ConfigObject[]) {
  const services = [
    aService("web.default.svc.cluster.local", { ports: [{ number: 80, name: "http", protocol: "HTTP" }] }),
    aService("code.example", { ports: [{ number: 8080, name: "http", protocol: "HTTP" }] }),
  ];
  return translate(Mesh.of({ meshConfig: {}, services, config }), aNode());
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

const named = (name: string, kind = "trafficextension", namespace = "default") =>
  `extensions.istio.io/${kind}/${namespace}.${name}`;

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
    const ofMesh = named("of-mesh", undefined, "istio-system");
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
        name: named("w", "wasmplugin"),
        typedConfig: {
          "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
          config: {
            name: "default.w",
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
    [{ type: "NETWORK" }, ["spec.type"], false],
    [{ imagePullPolicy: "Always", verificationKey: "k" }, ["spec.imagePullPolicy", "spec.verificationKey"], true],
  ])("what Envoy cannot do is said: %j", (spec, paths, runs) => {
    const made = translated(wasm(spec));
    expect(made.diagnostics.map(({ path }) => path)).toEqual(paths);
    expect(made.extensions.length).toBe(runs ? 1 : 0);
    expect(filtersOf(made, "virtualInbound")).toEqual(runs ? [named("w", "wasmplugin")] : []);
  });

  test("what must not fail open denies when it cannot run", () => {
    const made = translated(wasm({ url: "oci://registry.example/w:v1" }));
    expect(made.extensions.map(({ resource }) => resource)).toEqual([
      {
        name: named("w", "wasmplugin"),
        typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC", rules: {} },
      },
    ]);
    expect(filtersOf(made, "virtualInbound")).toEqual([named("w", "wasmplugin")]);
    expect(made.diagnostics.map(({ message }) => message).join()).toContain("requests are denied");
  });
});
