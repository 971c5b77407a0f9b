import type { PeerCertificate } from "node:tls";
import type { SpiffeId } from "@fairlead/model";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { CaClient, SigningRequest, SigningResponse } from "../agent/ca-client.ts";
import { readCertificate } from "../certificate/parse.ts";
import { CaError } from "../error.ts";
import { hostOf, namesHostOf, withServerName } from "./channel-credentials.ts";
import { CREATE_CERTIFICATE } from "./definition.ts";
import { decodeResponse, encodeRequest } from "./wire.ts";

export interface GrpcCaClientOptions {
  /** `HOST:PORT` of an `IstioCertificateService`. */
  readonly address: string;
  /** Roots that the server is checked against the first time, PEM: pinned, never fetched. */
  readonly roots: string;
  /** Whom the server must be. Default: its certificate names the host of `address`. */
  readonly server?: SpiffeId;
  /** A join token or JWT for the first certificate, sent as `authorization: Bearer`; a function is asked each time. */
  readonly token?: string | (() => string | Promise<string>);
  /** Further metadata of the request, such as `WorkloadName`, `CertSigner` or `ImpersonatedIdentity`. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Default 10000. */
  readonly timeoutMs?: number;
}

const identityBytes = (bytes: Buffer): Buffer => bytes;

/**
 * The way to an authority over gRPC with TLS. A request with a current certificate is authenticated by it (mutual TLS);
 * where there is none, or the server no longer takes it, the token is. Each request has its own connection, with the
 * roots and the certificate of that moment.
 */
export function grpcCaClient(options: GrpcCaClientOptions): CaClient {
  const { token } = options;
  const attempt = async (request: SigningRequest, current: SigningRequest["current"]): Promise<SigningResponse> => {
    const metadata = new Metadata();
    if (current === undefined && token !== undefined)
      metadata.set("authorization", `Bearer ${typeof token === "function" ? await token() : token}`);
    const message = encodeRequest({
      csr: request.csr,
      ...(request.ttlSeconds === undefined ? {} : { validityDuration: request.ttlSeconds }),
      ...(options.metadata ? { metadata: options.metadata } : {}),
    });
    const { signal } = request;
    const bytes = await unary(
      { ...options, roots: request.roots ?? options.roots },
      { path: CREATE_CERTIFICATE, message, metadata, current, signal },
    );
    const { certChain } = decodeResponse(bytes);
    const roots = certChain.at(-1);
    if (certChain.length < 2 || roots === undefined)
      throw new CaError("REQUEST_FAILED", "the authority answered without certificate or without roots");
    return { certificateChain: certChain.slice(0, -1), roots: [roots] };
  };
  return {
    async sign(request) {
      if (request.current === undefined) return attempt(request, undefined);
      try {
        return await attempt(request, request.current);
      } catch (error) {
        const refused = error instanceof CaError && error.code === "UNAUTHENTICATED";
        if (!refused || token === undefined) throw error;
        return attempt(request, undefined);
      }
    },
    close: async () => undefined,
  };
}

type Server = Pick<GrpcCaClientOptions, "address" | "roots" | "server" | "timeoutMs">;

/** One call on a connection of its own. Throws what the status says as {@link CaError}. */
export async function unary(
  server: Server,
  call: {
    readonly path: string;
    readonly message: Buffer;
    readonly metadata?: Metadata;
    readonly current: SigningRequest["current"];
    readonly signal: AbortSignal;
  },
): Promise<Buffer> {
  const client = connect(server, server.roots, call.current);
  try {
    const { path, message, metadata = new Metadata(), signal } = call;
    return await send(client, path, message, metadata, server.timeoutMs ?? 10_000, signal);
  } catch (error) {
    throw error instanceof CaError ? error : fromStatus(error as ServiceError, server.address);
  } finally {
    client.close();
  }
}

function connect({ address, server }: Server, roots: string, current: SigningRequest["current"]): Client {
  const key = current ? Buffer.from(current.privateKey) : null;
  const chain = current ? Buffer.from(current.certificateChain) : null;
  const secured = credentials.createSsl(Buffer.from(roots), key, chain, {
    checkServerIdentity: server === undefined ? namesHostOf(address) : mustBe(server),
  });
  return new Client(address, withServerName(secured, hostOf(address)), { "grpc.use_local_subchannel_pool": 1 });
}

/** Node's check that the server is the right one, by SPIFFE ID: exactly this one URI name. */
function mustBe(server: SpiffeId): (host: string, certificate: PeerCertificate) => Error | undefined {
  return (_host, { raw }) => {
    const uris = readCertificate(raw, "SVID_INVALID").names.filter(({ type }) => type === "uri");
    if (uris.length === 1 && uris[0]?.value === server.uri) return undefined;
    return new Error(
      `the server is ${uris.map(({ value }) => value).join(", ") || "without an identity"}, not ${server.uri}`,
    );
  };
}

function send(
  client: Client,
  path: string,
  message: Buffer,
  metadata: Metadata,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + timeoutMs;
    const started = client.makeUnaryRequest(
      path,
      identityBytes,
      identityBytes,
      message,
      metadata,
      { deadline },
      (error, value) => {
        signal.removeEventListener("abort", cancel);
        if (error) reject(error);
        else if (value === undefined) reject(new CaError("REQUEST_FAILED", "the authority answered with nothing"));
        else resolve(value);
      },
    );
    const cancel = () => started.cancel();
    signal.addEventListener("abort", cancel, { once: true });
  });
}

/** A status as an error of this package; the retry hint of a rate limit comes along. */
function fromStatus(error: ServiceError, address: string): CaError {
  const hint = Number(error.metadata?.get("grpc-retry-pushback-ms")[0]);
  const code =
    error.code === status.UNAUTHENTICATED
      ? "UNAUTHENTICATED"
      : error.code === status.RESOURCE_EXHAUSTED
        ? "RATE_LIMITED"
        : "REQUEST_FAILED";
  return new CaError(code, `${address} answered ${status[error.code] ?? error.code}: ${error.details}`, {
    cause: error,
    ...(Number.isFinite(hint) ? { retryAfterMs: hint } : {}),
  });
}
