export { aggregateRegistry } from "./aggregate-registry.ts";
export { type MemoryRegistry, type MemoryRegistryEdit, memoryRegistry } from "./memory-registry.ts";
export { endpointsKey, type Registry } from "./registry.ts";
export { RegistryError, type RegistryErrorCode } from "./registry-error.ts";
export { type ServiceEntryRegistryOptions, serviceEntryRegistry } from "./service-entry/registry.ts";
