import { defaultMeshConfig, fieldPaths, parseMeshConfig } from "@fairlead/config";
import { expect, it } from "vitest";
import { settingsDiagnostics } from "./unused-settings.ts";

it("says nothing of the defaults and of what is acted on", () => {
  expect(settingsDiagnostics({})).toEqual([]);
  expect(settingsDiagnostics(defaultMeshConfig())).toEqual([]);
  const { meshConfig } = parseMeshConfig("accessLogFile: /dev/stdout\ntrustDomain: example.org\n", {
    file: "mesh.yaml",
  });
  expect(settingsDiagnostics(meshConfig ?? {})).toEqual([]);
});

it.each([
  [{ serviceScopeConfigs: [{ scope: "GLOBAL" }] }, "serviceScopeConfigs"],
  [{ verifyCertificateAtClient: { value: true } }, "verifyCertificateAtClient"],
  [{ defaultConfig: { statusPort: 4 } }, "defaultConfig.statusPort"],
])("tells of %j", (meshConfig, path) => {
  expect(settingsDiagnostics(meshConfig as Parameters<typeof settingsDiagnostics>[0])).toMatchObject([
    { code: "unsupported-field", path, object: { kind: "MeshConfig" } },
  ]);
});

it("tells of localities of networks' gateways, which have no effect", () => {
  const gateways = [{ address: "1.1.1.1", port: 443, locality: "r/z" }];
  const found = settingsDiagnostics({}, { networks: { n1: { gateways }, "far.away": { gateways } } });
  expect(found).toMatchObject([
    { path: "networks.n1.gateways[0].locality", object: { kind: "MeshNetworks" } },
    { path: 'networks["far.away"].gateways[0].locality', object: { kind: "MeshNetworks" } },
  ]);
});

it("knows the schema: whatever field is added is told until something reads it", () => {
  const fields = new Set(
    fieldPaths("MeshConfig" as Parameters<typeof fieldPaths>[0]).map((path) => path.split(/[.[{]/)[0] ?? ""),
  );
  const told = [...fields].filter((field) =>
    settingsDiagnostics({ [field]: { made: "up" } } as Parameters<typeof settingsDiagnostics>[0]).some(
      ({ path }) => path === field,
    ),
  );
  expect(told).toContain("configSources");
  expect(told).not.toContain("accessLogFile");
});
