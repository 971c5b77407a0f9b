export { type KubernetesAuthorityOptions, kubernetesAuthority } from "./authority.ts";
export { type KubernetesPods, kubernetesPods } from "./pods.ts";
export { distributeRoots, type RootDistributionOptions } from "./root-distribution.ts";
export {
  type KubernetesSigners,
  type KubernetesSignersOptions,
  kubernetesSigners,
  parseSignerDomain,
} from "./signers.ts";
