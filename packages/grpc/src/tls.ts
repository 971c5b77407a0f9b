import { constants } from "node:crypto";
import type { SecureServerOptions } from "node:http2";
import type { SecureContextOptions, SecureVersion } from "node:tls";

/** Certificates of a listener, in PEM. */
export interface TlsMaterial {
  readonly certificate: string | Uint8Array;
  readonly key: string | Uint8Array;
  /** Authorities that client certificates are verified against. */
  readonly clientAuthorities?: string | Uint8Array;
}

/** What of TLS a server takes part in. */
export interface TlsLimits {
  /** Default `TLSv1.3`. */
  readonly minTlsVersion?: "TLSv1.3" | "TLSv1.2";
  /** Suites of both versions by OpenSSL's names, `TLS_AES_128_GCM_SHA256`. Default: Node's. */
  readonly cipherSuites?: readonly string[];
  /** Groups of the key exchange by OpenSSL's names, `P-256`, `X25519MLKEM768`. Default: Node's. */
  readonly groups?: readonly string[];
}

/** Certificates that may change while a server listens. */
export interface TlsSource extends TlsLimits {
  /** Whether clients must have a certificate, are asked for one and let in without, or are not asked. */
  readonly clients: "required" | "asked" | "none";
  /** What handshakes from now on use; `undefined`: connections are dropped. */
  get(): TlsMaterial | undefined;
  /** Calls when `get` may have another answer. Returns the way to stop that. */
  subscribe(changed: () => void): () => void;
}

/** Certificates that do not change. Clients must have a certificate where their authorities are given. */
export interface FixedTls extends TlsMaterial {
  /** Default `TLSv1.3`. */
  readonly minTlsVersion?: "TLSv1.3" | "TLSv1.2";
}

export function fixedTls({ minTlsVersion, ...material }: FixedTls): TlsSource {
  return {
    clients: material.clientAuthorities === undefined ? "none" : "required",
    ...(minTlsVersion ? { minTlsVersion } : {}),
    get: () => material,
    subscribe: () => () => undefined,
  };
}

/** Time for a handshake, milliseconds. */
const HANDSHAKE = 20_000;

export function serverOptions({ clients }: TlsSource): SecureServerOptions {
  return {
    requestCert: clients !== "none",
    rejectUnauthorized: clients === "required",
    handshakeTimeout: HANDSHAKE,
  };
}

/** `undefined` while there is no certificate. A resumed session would skip the check of the client's certificate: there are none. */
export function contextOptions(source: TlsSource): SecureContextOptions | undefined {
  const material = source.get();
  if (!material) return undefined;
  const { certificate, key, clientAuthorities } = material;
  const { cipherSuites, groups } = source;
  const minVersion: SecureVersion = source.minTlsVersion ?? "TLSv1.3";
  return {
    cert: text(certificate),
    key: text(key),
    ...(clientAuthorities === undefined ? {} : { ca: text(clientAuthorities) }),
    minVersion,
    ...(cipherSuites ? { ciphers: cipherSuites.join(":") } : {}),
    ...(groups ? { ecdhCurve: groups.join(":") } : {}),
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

const text = (pem: string | Uint8Array): string | Buffer => (typeof pem === "string" ? pem : Buffer.from(pem));
