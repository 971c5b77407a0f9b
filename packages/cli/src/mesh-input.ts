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
  /** The files themselves, for what is shown of them. */
  readonly files: readonly SettingsFile[];
}

type SettingsFile = TextFile & { readonly kind: "MeshConfig" | "MeshNetworks" };

/** A mesh from files, and what is wrong with them. */
export interface MeshInput extends LoadedMesh {
  readonly files: readonly TextFile[];
}

/** Documents of settings that count where the call names none. */
export interface GivenSettings {
  readonly meshConfig?: TextFile;
  readonly meshNetworks?: TextFile;
}

export async function readSettings(call: Call, given: GivenSettings = {}): Promise<Settings> {
  const files: SettingsFile[] = [];
  const read = async <P>(
    kind: SettingsFile["kind"],
    path: string | undefined,
    instead: TextFile | undefined,
    parse: (text: string, options: { file: string }) => P,
  ) => {
    const found = path === undefined ? instead : { file: path, text: await readText(path) };
    if (found === undefined) return undefined;
    files.push({ kind, ...found });
    return parse(found.text, { file: found.file });
  };
  const config = await read("MeshConfig", call.text("mesh-config"), given.meshConfig, parseMeshConfig);
  const networks = await read("MeshNetworks", call.text("mesh-networks"), given.meshNetworks, parseMeshNetworks);
  return {
    meshConfig: config?.meshConfig ?? defaultMeshConfig(),
    meshNetworks: networks?.meshNetworks,
    diagnostics: [...(config?.diagnostics ?? []), ...(networks?.diagnostics ?? [])],
    files,
  };
}

/** Where fields of MeshConfig and MeshNetworks are written. */
export function placesOfSettings({ files }: Settings): LoadedMesh["locate"] {
  const parsed = files.map(({ kind, file, text }) => {
    const { locate } = (kind === "MeshConfig" ? parseMeshConfig : parseMeshNetworks)(text, { file });
    return [kind as string, locate] as const;
  });
  const places = new Map(parsed);
  return ({ kind }, path) => places.get(kind)?.(path);
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
  settings: Settings,
  sidecars: NonNullable<MeshOptions["sidecars"]>,
): MeshInput {
  const { meshConfig, meshNetworks, diagnostics } = settings;
  const loaded = meshFromYaml(files, { meshConfig, ...(meshNetworks ? { meshNetworks } : {}), sidecars });
  const places = placesOfSettings(settings);
  const locate: LoadedMesh["locate"] = (ref, path) => places(ref, path) ?? loaded.locate(ref, path);
  const found = loaded.diagnostics.map((diagnostic) => placed(diagnostic, locate));
  return { ...loaded, locate, diagnostics: [...diagnostics, ...found], files: [...files, ...settings.files] };
}

/** A finding with the place of the field it is about, where it has one. */
export function placed(diagnostic: Diagnostic, locate: LoadedMesh["locate"]): Diagnostic {
  const position = diagnostic.position ?? (diagnostic.object && locate(diagnostic.object, diagnostic.path));
  return position ? { ...diagnostic, position } : diagnostic;
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
