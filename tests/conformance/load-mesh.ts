import { gatewayApiStore, type MeshConfig, parseMeshConfig, textStore } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { type Diagnostic, entriesOf } from "@fairlead/model";
import { aggregateRegistry, serviceEntryRegistry } from "@fairlead/registry";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { conformanceText } from "./conformance-data.ts";

/** The mesh of a case: `mesh.yaml` and `meshconfig.yaml`, joined as a control plane joins them. */
export async function loadMesh(folder: string): Promise<Mesh> {
  const text = conformanceText(`${folder}/meshconfig.yaml`) ?? "";
  const { meshConfig, diagnostics } = parseMeshConfig(text, { file: `${folder}/meshconfig.yaml` });
  throwErrors(diagnostics);
  return meshOf({ "mesh.yaml": conformanceText(`${folder}/mesh.yaml`) ?? "" }, meshConfig);
}

/** A mesh of texts by file name; throws what is wrong with them. */
export async function meshOf(texts: Readonly<Record<string, string>>, meshConfig: MeshConfig = {}): Promise<Mesh> {
  const store = textStore(texts);
  throwErrors(store.diagnostics());
  const registry = aggregateRegistry([manifestsRegistry(store.documents), serviceEntryRegistry(store)]);
  await registry.ready;
  const { services, namespaces } = registry;
  using gatewayApi = gatewayApiStore(store.documents, { services, namespaces, config: store });
  return Mesh.of({
    meshConfig,
    config: [...store.values(), ...gatewayApi.values()],
    services: registry.services.values(),
    endpoints: entriesOf(registry.endpoints),
    workloads: registry.workloads.values(),
    namespaces: registry.namespaces.values(),
  });
}

function throwErrors(diagnostics: readonly Diagnostic[]): void {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ path, message }) => `${path}: ${message}`).join("\n"));
}
