// The service.

// Who calls.
export { type Authenticator, authenticate, type Caller, type CallIdentity } from "./authenticator.ts";
export {
  type AuthorityClient,
  type FollowRevocationsOptions,
  followRevocationLists,
  type GrpcAuthorityClientOptions,
  grpcAuthorityClient,
} from "./authority-client.ts";
export type { AuthorityServiceOptions } from "./authority-service.ts";
export type { AuthorityState } from "./authority-wire.ts";
// Certificates for other gRPC servers and clients.
export { channelCredentials } from "./channel-credentials.ts";
// The client.
export { type GrpcCaClientOptions, grpcCaClient } from "./client.ts";
export { type ClientCertificateOptions, clientCertificate } from "./client-certificate.ts";
export { type IssuerKeys, type IssuerKeysOptions, issuerKeys } from "./issuer-keys.ts";
export { type JoinToken, type JoinTokens, joinTokens } from "./join-token.ts";
export { type JwtOptions, jwt, serviceAccountIdentity } from "./jwt.ts";
export { type GrpcJwtClient, type GrpcJwtClientOptions, grpcJwtClient } from "./jwt-client.ts";
export { type JwtSvidServiceOptions, jwtSvidService } from "./jwt-service.ts";
export { type CertificateListener, type ListenOptions, listenCertificateService } from "./listen.ts";
export { type NodeImpersonationOptions, nodeImpersonation, type PodFacts } from "./node-impersonation.ts";
export { DEFAULT_RATE_LIMITS, type RateLimit, type RateLimits } from "./rate-limit.ts";
export { type ServerTlsOptions, serverTls } from "./server-tls.ts";
export {
  type CertificateServiceOptions,
  certificateService,
  type ImpersonationRule,
} from "./service.ts";
export { type ReviewedToken, type TokenReviewOptions, tokenReview } from "./token-review.ts";
export { type CertificateServiceUpstreamOptions, certificateServiceUpstream } from "./upstream.ts";
export { type XfccOptions, xfcc } from "./xfcc.ts";
