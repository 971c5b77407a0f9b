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

/** `--mesh-config` and `--mesh-networks`: Istio's defaults where they are not given. */
export interface Settings {
  readonly meshConfig: MeshConfig;
  readonly meshNetworks: MeshNetworks | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** A mesh from files, and what is wrong with them. */
export interface MeshInput extends LoadedMesh {
  readonly files: readonly TextFile[];
}

export async function readSettings(call: Call): Promise<Settings> {
  const [configFile, networksFile] = [call.text("mesh-config"), call.text("mesh-networks")];
  const config =
    configFile === undefined ? undefined : parseMeshConfig(await readText(configFile), { file: configFile });
  const networks =
    networksFile === undefined ? undefined : parseMeshNetworks(await readText(networksFile), { file: networksFile });
  return {
    meshConfig: config?.meshConfig ?? defaultMeshConfig(),
    meshNetworks: networks?.meshNetworks,
    diagnostics: [...(config?.diagnostics ?? []), ...(networks?.diagnostics ?? [])],
  };
}

export async function readFilesAndSettings(
  call: Call,
  paths: readonly string[],
): Promise<{ readonly files: readonly TextFile[]; readonly settings: Settings }> {
  const [files, settings] = await Promise.all([readFiles(paths), readSettings(call)]);
  return { files, settings };
}

/** The mesh of these texts. `sidecars` as in {@link MeshOptions}: `declared` is what a control plane sees. */
export function meshOf(
  files: readonly TextFile[],
  { meshConfig, meshNetworks, diagnostics }: Settings,
  sidecars: NonNullable<MeshOptions["sidecars"]>,
): MeshInput {
  const loaded = meshFromYaml(files, { meshConfig, ...(meshNetworks ? { meshNetworks } : {}), sidecars });
  return { ...loaded, diagnostics: [...diagnostics, ...loaded.diagnostics], files };
}

/** The mesh of the files and folders in `paths`. */
export async function readMesh(
  call: Call,
  paths: readonly string[],
  sidecars: NonNullable<MeshOptions["sidecars"]>,
): Promise<MeshInput> {
  const { files, settings } = await readFilesAndSettings(call, paths);
  return meshOf(files, settings, sidecars);
}
