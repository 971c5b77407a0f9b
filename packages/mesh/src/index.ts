// The mesh: what everything else is made from.

// Derived values that know what they read.
export {
  type DerivationOptions,
  Derivations,
  type FactValue,
  type Hold,
  identityOf,
  type Query,
  type Reader,
  type Snapshot,
} from "./derivation.ts";
// What a node sees, and what holds for it.
export { destinationRuleOf, type EffectiveDestinationRule } from "./destination-rule.ts";
export { egressVirtualServices, egressVirtualServicesOf } from "./egress-routes.ts";
export { gatewaysOf } from "./gateway-selection.ts";
export { type KeyServer, type KeySet, keyServer, keySetUrl } from "./key-set.ts";
export { type BucketName, type Buckets, byAge, Mesh, type MeshChanges, type MeshSources } from "./mesh.ts";
export {
  CLUSTER_DOMAIN,
  type CompliancePolicy,
  compliancePolicyOf,
  meshConfigOf,
  meshNetworksOf,
  rootNamespaceOf,
  trustDomainOf,
} from "./mesh-settings.ts";
export { localityOf } from "./node-locality.ts";
export {
  composePeerAuthentication,
  type EffectivePeerAuthentication,
  type MutualTlsMode,
  namespaceMutualTls,
  peerAuthenticationFor,
  peerAuthenticationOf,
} from "./peer-authentication.ts";
export { policiesOf } from "./policy-selection.ts";
export { destinationsOf } from "./route-destinations.ts";
export { endpointsOf, workloadPort } from "./service-endpoints.ts";
export { type ServiceTarget, serviceTargetsOf } from "./service-target.ts";
export { ShardedMap, shardOf } from "./sharded-map.ts";
export { type EgressScope, gatewayServices, type SidecarScope, sidecarScopeOf } from "./sidecar-scope.ts";
export { sidecarOf } from "./sidecar-selection.ts";
export { settingsDiagnostics } from "./unused-settings.ts";
export {
  allVirtualServices,
  type Placed,
  type ResolvedVirtualService,
  virtualServiceDiagnostics,
  virtualServicesOf,
} from "./virtual-service.ts";
export { namespaceAmong, nodeMatches, nodeNamespace } from "./visibility.ts";
export { sameMembers, serviceOfHost, visibleServices, visibleServicesOfHost } from "./visible-services.ts";
export { type JwksFetchMode, type WantedKeySet, wantedKeySets } from "./wanted-key-sets.ts";
