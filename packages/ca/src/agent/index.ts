export { type Agent, type AgentEvent, type AgentOptions, createAgent, SECRET_NAMES } from "./agent.ts";
export { type CaClient, inProcessClient, type SigningRequest, type SigningResponse } from "./ca-client.ts";
export {
  type FileSecrets,
  type FileSecretsOptions,
  fileSecrets,
  mountedCertificate,
  namedSecretFiles,
  type SecretFiles,
} from "./file-secrets.ts";
export { DEFAULT_ROTATION, type RotationPolicy } from "./rotation.ts";
export { listenSds, type SdsListener } from "./sds.ts";
export { type FollowRootsOptions, followRoots } from "./trust-bundle-discovery.ts";
