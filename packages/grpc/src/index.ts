// The server.

// What it serves.
export type {
  Call,
  Method,
  Peer,
  PeerCertificate,
  ServerStream,
  StreamEvents,
  StreamMethod,
  UnaryMethod,
} from "./method.ts";
export { type GrpcServer, type GrpcServerOptions, listenGrpc } from "./server.ts";
export { GrpcError, type Metadata, STATUS, type Status } from "./status.ts";

// With which certificates.
export { type FixedTls, fixedTls, type TlsLimits, type TlsMaterial, type TlsSource } from "./tls.ts";
