import {
  aggregateStore,
  type ConfigStore,
  type GatewayApiStore,
  gatewayApiStore,
  ingressStore,
  type ParsedDocument,
} from "@fairlead/config";
import type { Collection } from "@fairlead/model";
import { aggregateRegistry, type Registry, serviceEntryRegistry } from "@fairlead/registry";
import type { MeshSettings } from "./mesh-feed.ts";

export interface DerivedConfigOptions {
  readonly config: ConfigStore;
  readonly documents: Collection<ParsedDocument> | undefined;
  readonly registries: readonly Registry[];
  readonly settings: MeshSettings;
  readonly allocateAddresses: boolean;
  /** Whether all Secrets and ConfigMaps that there are are among the documents. */
  readonly credentialsKnown?: (() => boolean) | undefined;
}

/** Configuration as it is served, and the services that it is about. */
export interface DerivedConfig {
  readonly config: ConfigStore;
  /** Without what the Gateway API stands for: other control planes read that themselves, or not at all. */
  readonly shareable: ConfigStore;
  /** Closed by whoever asked for it. */
  readonly registry: Registry;
  /** Undefined without documents. */
  readonly gatewayApi: GatewayApiStore | undefined;
  /** Ends what follows the sources; the registry is apart. */
  close(): void;
}

/**
 * The configuration together with what the Ingresses and Gateway API objects among the documents stand for; written-down
 * objects go before those. The mesh's settings on Ingresses are followed.
 */
export function deriveConfig(options: DerivedConfigOptions): DerivedConfig {
  const { config, documents, registries, settings, allocateAddresses } = options;
  const registry = aggregateRegistry(
    [...registries, serviceEntryRegistry(config, { allocateAddresses })],
    "control plane",
  );
  if (!documents) return { config, shareable: config, registry, gatewayApi: undefined, close: () => undefined };
  const ingresses = ingressStore(documents, { meshConfig: settings.meshConfig });
  const { services, namespaces, endpoints } = registry;
  const gatewayApi = gatewayApiStore(documents, {
    services,
    namespaces,
    endpoints,
    config,
    ...(options.credentialsKnown && { credentialsKnown: options.credentialsKnown }),
  });
  const shareable = aggregateStore([config, ingresses]);
  const all = aggregateStore([shareable, gatewayApi]);
  const forget = settings.subscribe(() => ingresses.setMeshConfig(settings.meshConfig));
  return {
    config: all,
    shareable,
    registry,
    gatewayApi,
    close() {
      forget();
      all.close();
      shareable.close();
      ingresses.close();
      gatewayApi.close();
    },
  };
}
