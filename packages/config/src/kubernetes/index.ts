export { type KubernetesStore, type KubernetesStoreOptions, kubernetesStore } from "./store.ts";
