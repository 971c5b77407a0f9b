import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileSettings, fixedSettings } from "./mesh-settings.ts";

describe("fixedSettings", () => {
  it("puts what is given on top of the defaults", () => {
    expect(fixedSettings({ trustDomain: "shop.example" }).meshConfig).toMatchObject({
      trustDomain: "shop.example",
      rootNamespace: "istio-system",
    });
    expect(fixedSettings().meshNetworks).toBeUndefined();
  });
});

describe("FileSettings", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "settings-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Replaced as editors do. */
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, `${name}.new`), text);
    await rename(join(folder, `${name}.new`), join(folder, name));
  };
  const changed = (settings: FileSettings) =>
    new Promise<void>((resolve) => {
      const end = settings.subscribe(() => {
        end();
        resolve();
      });
    });

  it("follows its files; what is broken leaves the last good settings in force, and is told", async () => {
    const [meshConfig, meshNetworks] = [join(folder, "mesh.yaml"), join(folder, "networks.yaml")];
    await write("mesh.yaml", "trustDomain: one.example\n");
    await write(
      "networks.yaml",
      "networks: {north: {endpoints: [{fromRegistry: r}], gateways: [{address: 1.1.1.1, port: 443}]}}\n",
    );
    const settings = await FileSettings.open({ meshConfig, meshNetworks });
    try {
      expect(settings.meshConfig).toMatchObject({ trustDomain: "one.example", rootNamespace: "istio-system" });
      expect(Object.keys(settings.meshNetworks?.networks ?? {})).toEqual(["north"]);
      expect(settings.diagnostics).toEqual([]);
      const place = (kind: string, path: string) => settings.locate({ kind, namespace: "", name: "" }, path);
      expect(place("MeshConfig", "trustDomain")).toEqual({ file: meshConfig, line: 1, column: 1 });
      expect(place("MeshNetworks", "networks.north.gateways[0].port")).toEqual({
        file: meshNetworks,
        line: 1,
        column: 82,
      });

      let told = changed(settings);
      await write("mesh.yaml", "trustDomain: 5\n");
      await told;
      expect(settings.meshConfig.trustDomain).toBe("one.example");
      expect(settings.diagnostics).toMatchObject([
        { severity: "error", path: "trustDomain", position: { file: meshConfig, line: 1 } },
      ]);

      told = changed(settings);
      await rm(meshConfig);
      await told;
      expect(settings.meshConfig.trustDomain).toBe("one.example");
      expect(settings.diagnostics).toMatchObject([{ code: "unreadable", position: { file: meshConfig } }]);

      told = changed(settings);
      await write("mesh.yaml", "trustDomain: two.example\n");
      await told;
      expect(settings.meshConfig.trustDomain).toBe("two.example");
      expect(settings.diagnostics).toEqual([]);
    } finally {
      settings.close();
    }
  });

  it("cannot be opened without its files", async () => {
    await expect(FileSettings.open({ meshConfig: join(folder, "none") })).rejects.toMatchObject({ code: "ENOENT" });
  });
});
