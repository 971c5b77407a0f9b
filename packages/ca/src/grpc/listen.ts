import { parseSpiffeId, type SpiffeId } from "@fairlead/model";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { type Agent, createAgent } from "../agent/agent.ts";
import { inProcessClient } from "../agent/ca-client.ts";
import { CaError } from "../error.ts";
import { type AuthorityServiceOptions, authorityGrpcJs } from "./authority-service.ts";
import { type JwtSvidServiceOptions, jwtSvidService } from "./jwt-service.ts";
import { serverCredentials } from "./server-credentials.ts";
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
  /** Default `TLSv1.3`. */
  readonly minTlsVersion?: "TLSv1.3" | "TLSv1.2";
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
  const server = new Server({ "grpc.max_receive_message_length": MAX_MESSAGE_BYTES * 2 });
  const { definition, implementation } = certificateService(options);
  server.addService(definition, implementation);
  if (options.jwt) {
    const jwt = jwtSvidService({ ...options.jwt, authenticators: options.authenticators });
    server.addService(jwt.definition, jwt.implementation);
  }
  const remote = authorityGrpcJs(options);
  server.addService(remote.definition, remote.implementation);
  let agent: Agent | undefined;
  let credentials = ServerCredentials.createInsecure();
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
    const { minTlsVersion } = options;
    credentials = serverCredentials(agent, { clients: "asked", ...(minTlsVersion ? { minTlsVersion } : {}) });
  }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(address, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  ).catch(async (cause: Error) => {
    await agent?.close();
    throw new CaError("OPTION_INVALID", `cannot listen on ${address}: ${cause.message}`, { cause });
  });
  return {
    address: address.replace(/:\d+$/, `:${port}`),
    port,
    async close(graceMs = 1000) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), graceMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      await agent?.close();
    },
  };
}
