export { type ConsulRegistryOptions, consulRegistry } from "./registry.ts";
