import type { ConfigObject, KindName, MeshConfig } from "@fairlead/config";
import { KINDS } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { MemoryCollection, objectKey } from "@fairlead/model";
import { serviceEntryRegistry } from "@fairlead/registry";
import { parse, parseAllDocuments } from "yaml";
import { conformanceText } from "./conformance-data.ts";

interface Document {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Partial<ConfigObject["metadata"]> & { readonly name: string };
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** The mesh of a case: `mesh.yaml` and `meshconfig.yaml`, joined as a control plane joins them. */
export async function loadMesh(folder: string): Promise<Mesh> {
  const documents = parseAllDocuments(conformanceText(`${folder}/mesh.yaml`) ?? "")
    .map((document) => document.toJS() as Document | null)
    .filter((document) => document !== null);
  const meshConfig = (parse(conformanceText(`${folder}/meshconfig.yaml`) ?? "") ?? {}) as MeshConfig;
  const config = new MemoryCollection<ConfigObject>();
  for (const document of documents) {
    if (!(document.kind in KINDS) || document.apiVersion.startsWith("gateway.networking.k8s.io")) continue;
    const object: ConfigObject = {
      kind: document.kind as KindName,
      apiVersion: document.apiVersion,
      metadata: { labels: {}, annotations: {}, namespace: "default", ...document.metadata },
      spec: document.spec as ConfigObject["spec"],
      status: document.status,
    };
    config.set(objectKey({ kind: object.kind, ...object.metadata }), object);
  }
  const registry = serviceEntryRegistry(config);
  await registry.ready;
  return Mesh.of({
    meshConfig,
    config: config.values(),
    services: registry.services.values(),
    endpoints: [...registry.endpoints.keys()].flatMap((key) => {
      const given = registry.endpoints.get(key);
      return given ? [[key, given] as const] : [];
    }),
    workloads: registry.workloads.values(),
    namespaces: registry.namespaces.values(),
  });
}
