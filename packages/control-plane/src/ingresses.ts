import { aggregateStore, type ConfigStore, ingressStore, type ParsedDocument } from "@fairlead/config";
import type { Collection } from "@fairlead/model";
import type { MeshSettings } from "./mesh-feed.ts";

/**
 * The configuration together with what the Ingresses among the documents stand for; written-down objects go before those.
 * The mesh's settings on Ingresses are followed.
 */
export function withIngresses(
  config: ConfigStore,
  documents: Collection<ParsedDocument> | undefined,
  settings: MeshSettings,
): { readonly config: ConfigStore; close(): void } {
  if (!documents) return { config, close: () => undefined };
  const ingresses = ingressStore(documents, { meshConfig: settings.meshConfig });
  const all = aggregateStore([config, ingresses]);
  const forget = settings.subscribe(() => ingresses.setMeshConfig(settings.meshConfig));
  return {
    config: all,
    close() {
      forget();
      all.close();
      ingresses.close();
    },
  };
}
