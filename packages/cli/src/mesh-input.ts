import {
  defaultMeshConfig,
  type MeshConfig,
  type MeshNetworks,
  parseMeshConfig,
  parseMeshNetworks,
  type TextStore,
  textStore,
} from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import type { Collection, Diagnostic } from "@fairlead/model";
import { aggregateRegistry, serviceEntryRegistry } from "@fairlead/registry";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import type { Call } from "./command.ts";
import { readFiles, readText } from "./input.ts";

/** A mesh from files, and what is wrong with them. */
export interface MeshInput {
  readonly mesh: Mesh;
  readonly store: TextStore;
  readonly diagnostics: readonly Diagnostic[];
}

function* entriesOf<V>(collection: Collection<V>): IterableIterator<readonly [string, V]> {
  for (const key of collection.keys()) {
    const value = collection.get(key);
    if (value !== undefined) yield [key, value];
  }
}

/** Builds the mesh of `paths` with the settings of `--mesh-config` and `--mesh-networks`. */
export async function readMesh(call: Call, paths: readonly string[]): Promise<MeshInput> {
  const files = await readFiles(paths);
  const store = textStore(Object.fromEntries(files.map(({ file, text }) => [file, text])));
  const found: Diagnostic[] = [];
  let meshConfig: MeshConfig = defaultMeshConfig();
  let meshNetworks: MeshNetworks | undefined;
  const [configFile, networksFile] = [call.text("mesh-config"), call.text("mesh-networks")];
  if (configFile !== undefined) {
    const parsed = parseMeshConfig(await readText(configFile), { file: configFile });
    found.push(...parsed.diagnostics);
    meshConfig = parsed.meshConfig ?? meshConfig;
  }
  if (networksFile !== undefined) {
    const parsed = parseMeshNetworks(await readText(networksFile), { file: networksFile });
    found.push(...parsed.diagnostics);
    meshNetworks = parsed.meshNetworks;
  }
  const registry = aggregateRegistry([manifestsRegistry(store.documents), serviceEntryRegistry(store)]);
  await registry.ready;
  const mesh = Mesh.of({
    meshConfig,
    ...(meshNetworks ? { meshNetworks } : {}),
    config: store.values(),
    services: registry.services.values(),
    endpoints: entriesOf(registry.endpoints),
    workloads: registry.workloads.values(),
    namespaces: registry.namespaces.values(),
  });
  found.push(...store.diagnostics(), ...registry.diagnostics());
  await registry.close();
  return { mesh, store, diagnostics: found };
}
