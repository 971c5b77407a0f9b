// What users compose with.
export { Backoff, type BackoffOptions, realSleep, type Sleep } from "./backoff.ts";
export {
  type Change,
  type Collection,
  entriesOf,
  MemoryCollection,
  structurallyEqual,
  type Unsubscribe,
} from "./collection.ts";
export { type Diagnostic, formatDiagnostic, type Position, type Severity } from "./diagnostic.ts";
export { editDistance } from "./edit-distance.ts";
export { type Endpoint, type HealthStatus, mainAddress, type ServiceEndpoints } from "./endpoint.ts";
export {
  compareHostSpecificity,
  hostsOverlap,
  isSubsetHost,
  isWildcardHost,
  kubernetesHost,
  mostSpecificHost,
  resolveShortHost,
} from "./hostname.ts";
export { type Labels, labelExpressionHolds, matchesLabels } from "./labels.ts";
export { formatLocality, type Locality, localityFromLabels, parseLocality } from "./locality.ts";
export type { Namespace } from "./namespace.ts";
export { type ObjectNotes, objectNotes } from "./object-notes.ts";
export { formatObject, type ObjectRef, objectKey } from "./object-ref.ts";
export { isHttp, isHttp2, isTcp, isTls, kubernetesPortProtocol, type Protocol, parseProtocol } from "./protocol.ts";
export {
  type InterceptionMode,
  type NodeJson,
  type ParsedNode,
  type ProxyNode,
  type ProxyType,
  parseNode,
} from "./proxy-node.ts";
export type { KeyPairSecret, Secret, SecretSource, TrustBundleSecret } from "./secret.ts";
export { type Resolution, type Service, type ServicePort, serviceKey } from "./service.ts";
export { parseSpiffeId, parseWorkloadPath, type SpiffeId, workloadSpiffeId } from "./spiffe-id.ts";
export { IdentityError, parseTrustDomain, type TrustDomain } from "./trust-domain.ts";
export type { Workload } from "./workload.ts";
