export { type KubernetesRegistryOptions, kubernetesRegistry } from "./registry.ts";
