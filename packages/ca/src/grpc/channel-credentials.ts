import { isIP } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { SecretSource } from "@fairlead/model";
import { type ChannelCredentials, experimental } from "@grpc/grpc-js";
import { SECRET_NAMES } from "../agent/agent.ts";
import { certificateProvider } from "./certificate-provider.ts";

type ServerCheck = (host: string, certificate: PeerCertificate) => Error | undefined;

/** Sent as server name in place of an address, which TLS has no place for (RFC 6066, section 3). */
const NO_NAME = "address.invalid";

/**
 * Credentials of a grpc-js client from a secret source, such as an agent: its certificate and roots, renewed for later
 * handshakes. The server's certificate must carry the host of `address` (`HOST:PORT`), which may be an IP address.
 */
export function channelCredentials(source: SecretSource, address: string): ChannelCredentials {
  const provider = certificateProvider(source, SECRET_NAMES);
  const check = { checkServerIdentity: namesHostOf(address) };
  return withServerName(
    experimental.createCertificateProviderChannelCredentials(provider, provider, check),
    hostOf(address),
  );
}

/** Node's check of the server's certificate, against the host of the address rather than what TLS sent as server name. */
export function namesHostOf(address: string): ServerCheck {
  const host = hostOf(address);
  return (_host, certificate) => checkServerIdentity(host, certificate);
}

/** The credentials, which must check the server by themselves, made fit for an address: grpc-js would send that as server name. */
export function withServerName(credentials: ChannelCredentials, host: string): ChannelCredentials {
  if (isIP(host) === 0) return credentials;
  const connector = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (target, options, call) =>
    connector(target, { ...options, "grpc.ssl_target_name_override": NO_NAME }, call);
  return credentials;
}

/** The host of `HOST:PORT`, an IPv6 address without its brackets. */
export const hostOf = (address: string): string => address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
