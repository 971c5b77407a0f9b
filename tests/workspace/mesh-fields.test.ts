import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fieldPaths, parseMeshConfig, parseMeshNetworks } from "@fairlead/config";
import { describe, expect, it } from "vitest";
import { meshCases, READ_ELSEWHERE, settingsIgnored, settingsNotShown } from "./fields/mesh-guard.ts";

/**
 * Never accept and ignore, for the settings of the mesh as a whole: every field of MeshConfig and MeshNetworks stands in
 * tests/workspace/fields/mesh-config.yaml, and taking it out changes what a proxy gets or starts with, or users are told that it has no
 * effect. A new field that nothing reads fails here.
 */
describe.each([
  ["meshConfig", fieldPaths("MeshConfig")],
  ["meshNetworks", fieldPaths("MeshNetworks")],
] as const)("%s", (settings, fields) => {
  it("shows every field of the schema", () => {
    expect(settingsNotShown(settings, fields, meshCases())).toEqual([]);
  });

  it("reads or reports every field", { timeout: 240_000 }, async () => {
    expect(await settingsIgnored(settings, fields, meshCases())).toEqual([]);
  });
});

it("shows values that the fields can have", () => {
  const found = meshCases().flatMap(({ meshConfig = {}, meshNetworks = {} }) => [
    ...parseMeshConfig(JSON.stringify(meshConfig), { file: "mesh-config" }).diagnostics,
    ...parseMeshNetworks(JSON.stringify(meshNetworks), { file: "mesh-networks" }).diagnostics,
  ]);
  const ofSchema = found.filter(({ code }) => /unknown|type|ignored|duration|range/.test(code));
  expect(ofSchema).toEqual([]);
});

it("names tests of what is read elsewhere that speak of it", () => {
  for (const [field, test] of Object.entries(READ_ELSEWHERE)) {
    const name =
      field
        .replace(/[[\]{}]+$/, "")
        .split(".")
        .at(-1) ?? "";
    expect(readFileSync(join(import.meta.dirname, "../..", test), "utf8"), field).toContain(name);
  }
});
