// Audit.
export { type AuditFile, type AuditFileOptions, auditFile } from "./audit/audit-file.ts";
export { type AuditEntry, type AuditHead, type VerifyAuditOptions, verifyAuditChain } from "./audit/chain.ts";
// Authorities: who issues.
export type { AuditRecord, AuditSink } from "./authority/audit.ts";
export type { Authority, AuthorityOptions } from "./authority/authority.ts";
export { type CredentialRule, credentialPolicy } from "./authority/credential-policy.ts";
export {
  type IntermediateAuthority,
  type IntermediateOptions,
  intermediateAuthority,
} from "./authority/intermediate.ts";
export type {
  CertificateTemplate,
  IssuancePolicy,
  IssuedCertificate,
  IssueRequest,
  PolicyAnswer,
} from "./authority/issue.ts";
export type { Slot, SlotStatus } from "./authority/journal.ts";
export { type IssuanceLedger, issuanceLedger, type LedgerEntry, type LedgerOptions } from "./authority/ledger.ts";
export { type PluggedAuthority, type PluggedOptions, pluggedAuthority } from "./authority/plugged.ts";
export {
  type PlannedStep,
  planRootRotation,
  type RootRotationOptions,
  type RotationStep,
  rotateRoot,
} from "./authority/root-rotation.ts";
export { type SelfSignedAuthority, type SelfSignedOptions, selfSignedAuthority } from "./authority/self-signed.ts";
export type { SubordinateRequest } from "./authority/subordinate.ts";
export { DEFAULT_TTL_POLICY, type TtlPolicy } from "./authority/ttl.ts";
export type { UpstreamAuthority, UpstreamRequest, UpstreamResponse } from "./authority/upstream.ts";
// Requests and certificates.
export type { AlternativeName } from "./certificate/alternative-name.ts";
export { type CertificateDetails, inspectCertificate } from "./certificate/inspect.ts";
export { type Certificate, readCertificate } from "./certificate/parse.ts";
// Edges.
export { type Clock, systemClock } from "./clock.ts";
export { createCsr } from "./csr/create.ts";
export { type CsrPolicy, DEFAULT_CSR_POLICY, spkiFingerprint } from "./csr/policy.ts";
export type { KeyFamily } from "./csr/public-key.ts";
// At a prompt.
export { CERTIFICATE_FILES, initAuthority, issueToDirectory, openAuthority } from "./directory.ts";
export {
  type DirectoryRotation,
  type DirectoryRotationOptions,
  type ForcedStep,
  forceInDirectory,
  planRotationInDirectory,
  rotateInDirectory,
} from "./directory-rotation.ts";
export { CA_ERRORS, CaError, type CaErrorCode } from "./error.ts";
// JWT-SVIDs.
export { type OidcDiscoveryOptions, oidcDiscovery } from "./jwt/discovery.ts";
export type { JwtSlot } from "./jwt/journal.ts";
export {
  type JwtAuthority,
  type JwtAuthorityOptions,
  type JwtSvid,
  type JwtSvidIssuer,
  type JwtSvidRequest,
  jwtAuthority,
} from "./jwt/jwt-authority.ts";
export { type VerifiedJwtSvid, type VerifyJwtSvidOptions, verifyJwtSvid } from "./jwt/verify.ts";
// Keys: where they are.
export { type KeyType, newPrivateKey } from "./keys/algorithm.ts";
export { type FileKeyManagerOptions, fileKeyManager } from "./keys/file.ts";
export { memoryKeyManager, memoryRecords } from "./keys/memory.ts";
export type { KeyManager, Records, Signer } from "./keys/signer.ts";
export { webCryptoKeyManager } from "./keys/web-crypto.ts";
// Trust.
export { type BundleSource, bundlePem, domainBundle, type JwtAuthorityKey, type TrustBundle } from "./trust/bundle.ts";
export { type Revocations, readRevocations } from "./trust/crl.ts";
export type { Revocation } from "./trust/crl-writer.ts";
export {
  bundleEndpoint,
  bundlesByDomain,
  type FollowBundleOptions,
  type FollowedBundle,
  followBundle,
} from "./trust/endpoint.ts";
export { marshalSpiffeBundle, parseSpiffeBundle } from "./trust/spiffe-bundle.ts";
export { type VerifiedSvid, type VerifySvidOptions, verifyX509Svid } from "./trust/svid.ts";
// Authorities above ours.
export { type StepCaOptions, stepCa } from "./upstream/step-ca.ts";
// In Vault.
export type { VaultOptions } from "./vault/connection.ts";
export { type VaultPkiOptions, vaultPki } from "./vault/pki.ts";
export { type VaultTransitOptions, vaultTransitKeys } from "./vault/transit.ts";
