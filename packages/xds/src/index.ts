export { createDiscoveryClient, type DiscoveryClient, type DiscoveryClientOptions } from "./client/index.ts";
export { type EncodedResource, encodeResource, resourceFromBytes } from "./encoded-resource.ts";
export { createLinearSource, type LinearSource } from "./linear.ts";
export { createMeshSource, type MeshSource, type MeshSourceOptions } from "./mesh-source.ts";
export { createMuxSource } from "./mux.ts";
export { canonicalize, decode, encode, validate } from "./proto/index.ts";
export { type DanglingReference, references } from "./references.ts";
export { RESOURCE_TYPES, type ResourceType, resourceType } from "./resource-type.ts";
export {
  createDiscoveryServer,
  type DiscoveryServer,
  type DiscoveryServerOptions,
  type NodeResources,
  type Peer,
  type ResourceSet,
  type ResourceSource,
} from "./server/index.ts";
export { createSnapshotSource, type Snapshot, type SnapshotSource, verify } from "./snapshot.ts";
export { XdsError, type XdsErrorCode } from "./xds-error.ts";
