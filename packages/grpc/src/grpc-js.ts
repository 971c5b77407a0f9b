// For those who have a grpc-js server already: the same methods, and the same certificates, on it.
export { grpcJsCredentials } from "./grpc-js-credentials.ts";
export { type GrpcJsService, grpcJsService } from "./grpc-js-service.ts";
