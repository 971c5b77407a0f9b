export type { BackoffOptions, Sleep } from "@fairlead/model";
export {
  approveSigningRequest,
  createSigningRequest,
  type SigningRequest,
  signedCertificate,
} from "./certificate-signing-request.ts";
export {
  type JsonPatchOperation,
  type KubernetesClient,
  type KubernetesClientOptions,
  kubernetesClient,
  type ListScope,
  type ObjectList,
  type PatchScope,
  type RequestScope,
} from "./client.ts";
export { KubernetesError, type KubernetesErrorCode, type KubernetesErrorOptions } from "./kubernetes-error.ts";
export { type LeaderElection, type LeaderElectionOptions, leaderElection } from "./leader-election.ts";
export { type ListWatchOptions, listWatch, type WatchedObjects } from "./list-watch.ts";
export { type KubernetesMetadata, type KubernetesObject, keyOf } from "./object.ts";
export { RESOURCES, type ResourceType, resourcePath } from "./resource-type.ts";
export { type ReviewedUser, reviewToken, type TokenReviewResult } from "./token-review.ts";
export type { LoadedKubeConfig, ServerOptions } from "./transport.ts";
