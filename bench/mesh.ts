import { type ConfigObject, configObject, type KindName, type MeshConfig, memoryStore } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { entriesOf } from "@fairlead/model";
import { type Registry, serviceEntryRegistry } from "@fairlead/registry";
import { meshDocuments } from "./mesh-data.ts";

interface Document {
  readonly kind: KindName;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: never;
}

/** The mesh of `mesh-data.ts` as a value. */
export async function meshInMemory(services: number, endpoints: number): Promise<Mesh> {
  const objects = (meshDocuments(0, services, endpoints) as Document[]).map(
    ({ kind, metadata, spec }): ConfigObject => configObject(kind, metadata, spec),
  );
  const store = memoryStore(objects);
  return meshOf(store.values(), serviceEntryRegistry(store), {});
}

/** The mesh of objects and of all that a registry has. */
export async function meshOf(
  config: Iterable<ConfigObject>,
  registry: Registry,
  meshConfig: MeshConfig,
): Promise<Mesh> {
  await registry.ready;
  return Mesh.of({
    meshConfig,
    config,
    services: registry.services.values(),
    endpoints: entriesOf(registry.endpoints),
    workloads: registry.workloads.values(),
    namespaces: registry.namespaces.values(),
  });
}
