export { type KubernetesAuthorityOptions, kubernetesAuthority } from "./authority.ts";
