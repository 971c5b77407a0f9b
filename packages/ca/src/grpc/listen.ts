import { listenGrpc, type TlsLimits, type TlsSource } from "@fairlead/grpc";
import { parseSpiffeId, type SpiffeId } from "@fairlead/model";
import { type Agent, createAgent } from "../agent/agent.ts";
import { inProcessClient } from "../agent/ca-client.ts";
import { CaError, toCaError } from "../error.ts";
import { type AuthorityServiceOptions, authorityService } from "./authority-service.ts";
import { type JwtSvidServiceOptions, jwtSvidService } from "./jwt-service.ts";
import { serverTls } from "./server-tls.ts";
import { type CertificateServiceOptions, certificateService } from "./service.ts";
import { MAX_MESSAGE_BYTES } from "./wire.ts";

export interface ListenOptions extends CertificateServiceOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly address: string;
  /** The server's own identity. Default `spiffe://TRUST_DOMAIN/ns/istio-system/sa/istiod`. */
  readonly identity?: string | SpiffeId;
  /** Host names and addresses that clients check. Default: the host of `address`. */
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** Plaintext, on a loopback address only. Everybody on the machine can read tokens. */
  readonly insecure?: boolean;
  /** Serves JWT-SVIDs too, to the same callers. */
  readonly jwt?: Pick<JwtSvidServiceOptions, "issuer" | "bundle">;
  /**
   * Who may change the authority's roots and revoke certificates from elsewhere (`grpcAuthorityClient`); throws to refuse. Default:
   * nobody. Every caller may see the state of the authority and have its CRLs.
   */
  readonly admins?: NonNullable<AuthorityServiceOptions["admins"]>;
  /** What of TLS is taken part in; versions before 1.3 are for clients that cannot do better. */
  readonly tls?: TlsLimits;
  /** Told of what no caller is told, such as a renewed certificate of its own that TLS does not take (the last stays in force). */
  readonly onProblem?: (error: CaError) => void;
}

export interface CertificateListener {
  readonly address: string;
  readonly port: number;
  /** Ends the listener; calls under way get `graceMs` (default 1000). */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves the certificate service over TLS with a certificate of the authority's own, renewed like any other. Client
 * certificates are asked for and not demanded, so that workloads without one can join by token.
 */
export async function listenCertificateService(options: ListenOptions): Promise<CertificateListener> {
  const { authority, address } = options;
  const host = /^\[?(.*?)\]?:\d+$/.exec(address)?.[1];
  if (host === undefined) throw new CaError("OPTION_INVALID", `${JSON.stringify(address)} is not HOST:PORT`);
  let agent: Agent | undefined;
  let tls: TlsSource | undefined;
  if (options.insecure === true) {
    if (!/^(127\.|::1$|localhost$)/.test(host))
      throw new CaError("OPTION_INVALID", "without TLS only a loopback address is served");
  } else {
    const isAddress = /^[\d.]+$|:/.test(host);
    const uri = options.identity ?? `spiffe://${authority.trustDomain}/ns/istio-system/sa/istiod`;
    const identity = typeof uri === "string" ? parseSpiffeId(uri) : uri;
    const names = {
      dnsNames: options.dnsNames ?? (isAddress ? [] : [host]),
      ipAddresses: options.ipAddresses ?? (isAddress ? [host] : []),
    };
    agent = createAgent({ identity, ca: inProcessClient(authority, identity, names) });
    await agent.ready.catch(async (error: unknown) => {
      await agent?.close();
      throw error;
    });
    tls = serverTls(agent, { clients: "asked", ...options.tls });
  }
  const { authenticators, jwt } = options;
  const server = await listenGrpc({
    address,
    methods: [
      certificateService(options),
      ...(jwt ? jwtSvidService({ ...jwt, authenticators }) : []),
      ...authorityService(options),
    ],
    ...(tls ? { tls } : {}),
    maxReceiveBytes: MAX_MESSAGE_BYTES * 2,
    maxConcurrentStreams: 100,
    onError: (error) => options.onProblem?.(toCaError(error, "SIGNING_FAILED", "the listener failed")),
  }).catch(async (cause: Error) => {
    await agent?.close();
    throw new CaError("OPTION_INVALID", `cannot listen on ${address}: ${cause.message}`, { cause });
  });
  return {
    address: server.address,
    port: server.port,
    async close(graceMs = 1000) {
      await server.close(graceMs);
      await agent?.close();
    },
  };
}
