import {
  defaultMeshConfig,
  type MeshConfig,
  type MeshNetworks,
  parseMeshConfig,
  parseMeshNetworks,
} from "@fairlead/config";
import type { Diagnostic } from "@fairlead/model";
import { type LoadedMesh, type MeshOptions, meshFromYaml } from "@fairlead/simulator";
import type { Call } from "./command.ts";
import { readFiles, readText, type TextFile } from "./input.ts";

/** A mesh from files, and what is wrong with them. */
export interface MeshInput extends LoadedMesh {
  readonly files: readonly TextFile[];
}

/** The settings of `--mesh-config` and `--mesh-networks`: Istio's defaults where they are not given. */
export async function readSettings(
  call: Call,
): Promise<{ meshConfig: MeshConfig; meshNetworks?: MeshNetworks; diagnostics: readonly Diagnostic[] }> {
  const [configFile, networksFile] = [call.text("mesh-config"), call.text("mesh-networks")];
  const config =
    configFile === undefined ? undefined : parseMeshConfig(await readText(configFile), { file: configFile });
  const networks =
    networksFile === undefined ? undefined : parseMeshNetworks(await readText(networksFile), { file: networksFile });
  return {
    meshConfig: config?.meshConfig ?? defaultMeshConfig(),
    ...(networks?.meshNetworks ? { meshNetworks: networks.meshNetworks } : {}),
    diagnostics: [...(config?.diagnostics ?? []), ...(networks?.diagnostics ?? [])],
  };
}

/** Builds the mesh of `paths`. `sidecars`: as in {@link MeshOptions}; `declared` is what a control plane sees. */
export async function readMesh(
  call: Call,
  paths: readonly string[],
  sidecars: NonNullable<MeshOptions["sidecars"]>,
): Promise<MeshInput> {
  const files = await readFiles(paths);
  const { diagnostics, ...settings } = await readSettings(call);
  const loaded = meshFromYaml(files, { ...settings, sidecars });
  return { ...loaded, diagnostics: [...diagnostics, ...loaded.diagnostics], files };
}
