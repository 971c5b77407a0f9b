import {
  MemoryCollection,
  type Namespace,
  objectKey,
  type Service,
  type ServiceEndpoints,
  serviceKey,
  type Workload,
} from "@fairlead/model";
import { endpointsKey, type Registry } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";

/** Several edits of a memory registry; each collection emits one batch. */
export interface MemoryRegistryEdit {
  readonly services?: readonly Service[];
  readonly workloads?: readonly Workload[];
  readonly endpoints?: readonly ServiceEndpoints[];
  readonly namespaces?: readonly Namespace[];
}

/** A registry that holds what it is told. Every edit throws `RegistryError` `closed` after `close()`. */
export interface MemoryRegistry extends Registry {
  readonly services: MemoryCollection<Service>;
  readonly workloads: MemoryCollection<Workload>;
  readonly endpoints: MemoryCollection<ServiceEndpoints>;
  readonly namespaces: MemoryCollection<Namespace>;
  /** Adds or replaces, by key. */
  put(edit: MemoryRegistryEdit): void;
  putService(service: Service): void;
  deleteService(service: { readonly namespace: string; readonly hostname: string }): void;
  putWorkload(workload: Workload): void;
  deleteWorkload(workload: { readonly source: Workload["source"] }): void;
  /** Replaces the endpoints of the service, or those of one `source` of it. */
  putEndpoints(endpoints: ServiceEndpoints, source?: string): void;
  deleteEndpoints(service: { readonly namespace: string; readonly hostname: string }, source?: string): void;
  putNamespace(namespace: Namespace): void;
  deleteNamespace(name: string): void;
}

/** Makes a registry in memory, filled with `initial`. */
export function memoryRegistry(initial: MemoryRegistryEdit = {}, name = "memory"): MemoryRegistry {
  const services = new MemoryCollection<Service>();
  const workloads = new MemoryCollection<Workload>();
  const endpoints = new MemoryCollection<ServiceEndpoints>();
  const namespaces = new MemoryCollection<Namespace>();
  let closed = false;
  const open = <T>(collection: MemoryCollection<T>): MemoryCollection<T> => {
    if (closed) throw new RegistryError("closed", `registry ${name} is closed`);
    return collection;
  };
  const registry: MemoryRegistry = {
    name,
    services,
    workloads,
    endpoints,
    namespaces,
    ready: Promise.resolve(),
    diagnostics: () => [],
    close: () => {
      closed = true;
    },
    put: (edit) => {
      open(namespaces).apply((edit.namespaces ?? []).map((value) => [value.name, value]));
      services.apply((edit.services ?? []).map((value) => [serviceKey(value), value]));
      workloads.apply((edit.workloads ?? []).map((value) => [objectKey(value.source), value]));
      endpoints.apply((edit.endpoints ?? []).map((value) => [endpointsKey(value), value]));
    },
    putService: (service) => open(services).set(serviceKey(service), service),
    deleteService: (service) => open(services).delete(serviceKey(service)),
    putWorkload: (workload) => open(workloads).set(objectKey(workload.source), workload),
    deleteWorkload: (workload) => open(workloads).delete(objectKey(workload.source)),
    putEndpoints: (value, source) => open(endpoints).set(endpointsKey(value, source), value),
    deleteEndpoints: (service, source) => open(endpoints).delete(endpointsKey(service, source)),
    putNamespace: (namespace) => open(namespaces).set(namespace.name, namespace),
    deleteNamespace: (namespaceName) => open(namespaces).delete(namespaceName),
  };
  registry.put(initial);
  return registry;
}
