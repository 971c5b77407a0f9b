import { type ConfigObject, configObject, type KindName, memoryStore } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { serviceEntryRegistry } from "@fairlead/registry";
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
  const registry = serviceEntryRegistry(store);
  await registry.ready;
  return Mesh.of({
    meshConfig: {},
    config: store.values(),
    services: registry.services.values(),
    endpoints: [...registry.endpoints.keys()].flatMap((key) => {
      const given = registry.endpoints.get(key);
      return given ? [[key, given] as const] : [];
    }),
    workloads: registry.workloads.values(),
    namespaces: registry.namespaces.values(),
  });
}
