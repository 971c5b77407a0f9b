export {
  type KubernetesDocuments,
  type KubernetesDocumentsOptions,
  kubernetesDocuments,
} from "./documents.ts";
export { type KubernetesStore, type KubernetesStoreOptions, kubernetesStore } from "./store.ts";
export { DOCUMENT_TYPES, ISTIO_TYPES, type ServedTypes, servedTypes, type WantedType } from "./types.ts";
