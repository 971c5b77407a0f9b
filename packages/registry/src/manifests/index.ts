export type { ManifestDocument } from "./document.ts";
export { joinCollections } from "./join.ts";
export { type KubernetesMetadata, type KubernetesObject, kubernetesObjectKey, kubernetesObjects } from "./object.ts";
export type { ManifestsRegistryOptions } from "./options.ts";
export { manifestsRegistry } from "./registry.ts";
