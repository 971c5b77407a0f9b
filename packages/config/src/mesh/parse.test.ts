import { formatDiagnostic } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { defaultMeshConfig } from "./defaults.ts";
import { parseMeshConfig, parseMeshNetworks } from "./parse.ts";

const FILE = "mesh.yaml";
const parse = (text: string) => parseMeshConfig(text, { file: FILE });

describe("parseMeshConfig", () => {
  it("gives the defaults for an empty document", () => {
    expect(parse("")).toMatchObject({ meshConfig: defaultMeshConfig(), diagnostics: [] });
  });

  it("merges what upstream merges, and replaces the rest", () => {
    const { meshConfig } = parse(`
trustDomainAliases: [b.org, a.org]
localityLbSetting: { failover: [{ from: a, to: b }] }
defaultProviders: { metrics: [prometheus] }
defaultConfig:
  tracingServiceName: CANONICAL_NAME_ONLY
  proxyMetadata: { A: "1" }
extensionProviders:
  - { name: envoy, envoyFileAccessLog: { path: /tmp/log } }
  - { name: more, prometheus: {} }
`);
    expect(meshConfig).toMatchObject({
      trustDomainAliases: ["a.org", "b.org"],
      localityLbSetting: { failover: [{ from: "a", to: "b" }] },
      defaultProviders: { metrics: ["prometheus"] },
      defaultConfig: { tracingServiceName: "CANONICAL_NAME_ONLY", proxyMetadata: { A: "1" }, statusPort: 15020 },
    });
    expect(meshConfig?.localityLbSetting).not.toHaveProperty("enabled");
    expect(meshConfig?.defaultConfig).not.toHaveProperty("serviceCluster");
    expect(meshConfig?.extensionProviders?.map(({ name }) => name)).toEqual([
      "envoy",
      "more",
      "prometheus",
      "stackdriver",
    ]);
  });

  it("takes what protobuf JSON takes", () => {
    const { meshConfig, diagnostics } = parse(`
access_log_file: /dev/stdout
accessLogEncoding: 1
outboundTrafficPolicy: { mode: 3 }
proxyListenPort: "15001"
ingressSelector: null
`);
    expect(diagnostics).toEqual([]);
    expect(meshConfig).toMatchObject({
      accessLogFile: "/dev/stdout",
      accessLogEncoding: "JSON",
      outboundTrafficPolicy: { mode: "ALLOW_ANY_DYNAMIC_DNS" },
      proxyListenPort: 15001,
    });
  });

  it("lets the last declared of a oneof count, and says of the others that they are ignored", () => {
    const { meshConfig, diagnostics } = parse(`
extensionProviders:
  - { name: both, envoyFileAccessLog: { path: /tmp/log }, prometheus: {}, envoyExtAuthzHttp: { port: 80 } }
`);
    expect(meshConfig?.extensionProviders?.[0]).toEqual({ name: "both", envoyFileAccessLog: { path: "/tmp/log" } });
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      "mesh.yaml:3:75: warning MeshConfig  extensionProviders[0].envoyExtAuthzHttp: is ignored: only one can count, and envoyFileAccessLog does [ignored-field]",
      "mesh.yaml:3:59: warning MeshConfig  extensionProviders[0].prometheus: is ignored: only one can count, and envoyFileAccessLog does [ignored-field]",
    ]);
    const broken = parse("extensionProviders: [{ name: both, prometheus: {}, zipkin: { port: x } }]");
    expect(broken.meshConfig).toBeUndefined();
    expect(broken.diagnostics.filter(({ severity }) => severity === "error")).toMatchObject([
      { path: "extensionProviders[0].zipkin.port", code: "wrong-type" },
    ]);
  });

  it("ignores numbers without a name, as istiod does, except where it looks at them", () => {
    const { meshConfig, diagnostics } = parse(
      "outboundTrafficPolicy: { mode: 2 }\ntlsDefaults: { minProtocolVersion: 9 }\n",
    );
    expect(meshConfig).toMatchObject({ outboundTrafficPolicy: {}, tlsDefaults: {} });
    expect(diagnostics).toMatchObject([
      { severity: "warning", path: "outboundTrafficPolicy.mode", position: { line: 1 } },
      { severity: "warning", path: "tlsDefaults.minProtocolVersion", position: { line: 2 } },
    ]);
    for (const wrong of ["defaultConfig: { controlPlaneAuthPolicy: 7 }", "outboundTrafficPolicy: { mode: 2.5 }"])
      expect(parse(wrong).diagnostics).toMatchObject([{ severity: "error", code: "unknown-value" }]);
  });

  it("places what is wrong with items of merged lists", () => {
    const { diagnostics } = parse(
      "trustDomainAliases: [z.org, '-']\nextensionProviders:\n  - { name: a, zipkin: { service: z.org, port: 0 } }\n",
    );
    expect(diagnostics).toMatchObject([
      { severity: "error", path: "trustDomainAliases[1]", position: { line: 1, column: 29 } },
      { severity: "warning", path: "extensionProviders[0].zipkin.port", position: { line: 3 } },
    ]);
  });

  it("says where what is wrong, all at once", () => {
    const { meshConfig, diagnostics } = parse("proxy_listen_port: 70000\nconnectTimeout: 0s\naccesLogFile: x\n");
    expect(meshConfig).toBeUndefined();
    expect(diagnostics.map(formatDiagnostic)).toEqual([
      "mesh.yaml:3:1: warning MeshConfig  accesLogFile: is unknown and ignored; did you mean accessLogFile? [unknown-field]",
      "mesh.yaml:1:1: error MeshConfig  proxyListenPort: port 70000 is not in the range 1 to 65535 [invalid-port]",
      "mesh.yaml:2:1: error MeshConfig  connectTimeout: must be at least 1ms [invalid-duration]",
    ]);
  });

  it.each([
    ["[1]", "not-an-object"],
    ["a: [", "yaml-syntax"],
    ["a: 1\n---\nb: 2", "several-documents"],
    ["a: 1\na: 2", "duplicate-key"],
    ["__proto__: {}", "forbidden-key"],
  ])("refuses %j", (text, code) => {
    const { meshConfig, diagnostics } = parse(text);
    expect([meshConfig, diagnostics[0]?.code]).toEqual([undefined, code]);
  });
});

describe("parseMeshNetworks", () => {
  it("reads networks", () => {
    const text =
      "networks:\n  n1:\n    endpoints: [{ fromRegistry: east }]\n    gateways: [{ address: 1.2.3.4, port: 15443 }]\n";
    expect(parseMeshNetworks(text, { file: FILE }).meshNetworks).toEqual({
      networks: { n1: { endpoints: [{ fromRegistry: "east" }], gateways: [{ address: "1.2.3.4", port: 15443 }] } },
    });
    expect(parseMeshNetworks("", { file: FILE }).meshNetworks).toEqual({ networks: {} });
    expect(parseMeshNetworks(text.replace("15443", "0"), { file: FILE }).diagnostics[0]?.position?.line).toBe(4);
  });
});
