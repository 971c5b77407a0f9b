import { constants } from "node:crypto";
import grpc from "@grpc/grpc-js";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  EXTENSION_CONFIG_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  SECRET_TYPE,
} from "../resource-type.ts";
import { XdsError } from "../xds-error.ts";
import type { Listening, ListenOptions, ServerTls } from "./listen-options.ts";
import { type Peer, uriNames } from "./peer.ts";
import { STATUS, type Transport } from "./transport.ts";

/** What carries a stream tells the server. */
export interface Accepted {
  receive(bytes: Uint8Array): void;
  close(reason: string): void;
}

interface Handlers {
  accept(transport: Transport): Accepted;
  readonly maxRequestBytes: number;
  readonly maxConnectionAge: number | undefined;
}

/** Services and their methods: all of one shape, the type fixed or, for the aggregated one, in each request. */
const SERVICES: readonly {
  readonly service: string;
  readonly suffix: string;
  readonly typeUrl: string | undefined;
  readonly fetch?: string;
}[] = [
  {
    service: "envoy.service.discovery.v3.AggregatedDiscoveryService",
    suffix: "AggregatedResources",
    typeUrl: undefined,
  },
  { service: "envoy.service.cluster.v3.ClusterDiscoveryService", suffix: "Clusters", typeUrl: CLUSTER_TYPE },
  { service: "envoy.service.endpoint.v3.EndpointDiscoveryService", suffix: "Endpoints", typeUrl: ENDPOINT_TYPE },
  { service: "envoy.service.listener.v3.ListenerDiscoveryService", suffix: "Listeners", typeUrl: LISTENER_TYPE },
  { service: "envoy.service.route.v3.RouteDiscoveryService", suffix: "Routes", typeUrl: ROUTE_TYPE },
  {
    service: "envoy.service.extension.v3.ExtensionConfigDiscoveryService",
    suffix: "ExtensionConfigs",
    typeUrl: EXTENSION_CONFIG_TYPE,
  },
  {
    service: "envoy.service.secret.v3.SecretDiscoveryService",
    suffix: "Secrets",
    typeUrl: SECRET_TYPE,
    fetch: "FetchSecrets",
  },
];

type Call = grpc.ServerDuplexStream<Buffer, Buffer>;

const identity = (bytes: Buffer): Buffer => bytes;

function method(path: string, streaming: boolean): grpc.MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream: streaming,
    responseStream: streaming,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
}

/** Serves all discovery services on one address. Messages pass as bytes. */
export async function listenGrpc(options: ListenOptions, handlers: Handlers): Promise<Listening> {
  const { address } = options;
  const transport = address.startsWith("unix:") ? "unix" : options.tls || options.credentials ? "tls" : "plaintext";
  if (transport === "plaintext" && !options.insecure && !isLoopback(address))
    throw new XdsError("insecure", `plaintext on ${address}, which is not a loopback address, needs insecure: true`);
  const server = new grpc.Server({
    "grpc.max_receive_message_length": handlers.maxRequestBytes,
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    ...(handlers.maxConnectionAge !== undefined && {
      "grpc.max_connection_age_ms": handlers.maxConnectionAge,
      // Streams do not end by themselves: what they are given more than a response takes is in vain.
      "grpc.max_connection_age_grace_ms": 1_000,
    }),
  });
  for (const { service, suffix, typeUrl, fetch } of SERVICES) {
    const definition: Record<string, grpc.MethodDefinition<Buffer, Buffer>> = {
      sotw: method(`/${service}/Stream${suffix}`, true),
      delta: method(`/${service}/Delta${suffix}`, true),
      ...(fetch && { fetch: method(`/${service}/${fetch}`, false) }),
    };
    const stream = (mode: "sotw" | "delta") => (call: Call) => serveStream(call, mode, typeUrl, transport, handlers);
    server.addService(definition, {
      sotw: stream("sotw"),
      delta: stream("delta"),
      ...(fetch && { fetch: serveFetch(typeUrl, transport, handlers) }),
    });
  }
  const credentials =
    options.credentials ?? (options.tls ? new TlsCredentials(options.tls) : grpc.ServerCredentials.createInsecure());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error)
        reject(new XdsError("listen-failed", `cannot listen on ${address}: ${error.message}`, { cause: error }));
      else resolve(bound);
    });
  });
  return {
    address: transport === "unix" ? address : `${address.slice(0, address.lastIndexOf(":"))}:${port}`,
    port: transport === "unix" ? 0 : port,
    close: () => shutdown(server),
  };
}

/** Lets streams end that the server has ended, then cuts what is left. */
async function shutdown(server: grpc.Server): Promise<void> {
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), 500);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

function isLoopback(address: string): boolean {
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** grpc-js' own have no way to say the version. A resumed session would skip the check of the client's certificate. */
class TlsCredentials extends grpc.ServerCredentials {
  constructor({ certificate, key, clientAuthorities, minTlsVersion = "TLSv1.3" }: ServerTls) {
    const asks = clientAuthorities !== undefined;
    const text = (pem: string | Uint8Array) => Buffer.from(pem);
    super(
      { requestCert: asks, rejectUnauthorized: asks },
      {
        cert: text(certificate),
        key: text(key),
        ...(asks ? { ca: text(clientAuthorities) } : {}),
        minVersion: minTlsVersion,
        secureOptions: constants.SSL_OP_NO_TICKET,
      },
    );
  }

  override _equals(other: grpc.ServerCredentials): boolean {
    return other === this;
  }
}

function peerOf(call: grpc.ServerUnaryCall<Buffer, Buffer> | Call, transport: Peer["transport"]): Peer {
  const certificate = call.getAuthContext().sslPeerCertificate;
  const identities = uriNames(certificate?.subjectaltname ?? "");
  return {
    address: transport === "unix" ? "unix" : call.getPeer(),
    transport,
    certificate: certificate?.raw,
    identities,
    metadata: (name) => call.metadata.get(name).map(String),
  };
}

function serveStream(
  call: Call,
  mode: "sotw" | "delta",
  typeUrl: string | undefined,
  transport: Peer["transport"],
  handlers: Handlers,
): void {
  let open = true;
  const accepted = handlers.accept({
    mode,
    peer: peerOf(call, transport),
    typeUrl,
    send: (bytes, done) => {
      if (open) call.write(bytes, done);
      else done(new Error("the stream has ended"));
    },
    end: (code, details) => {
      if (!open) return;
      open = false;
      if (code === STATUS.ok) call.end();
      else call.emit("error", { code, details });
    },
  });
  const gone = (reason: string) => {
    open = false;
    accepted.close(reason);
  };
  call.on("data", (bytes: Buffer) => accepted.receive(bytes));
  call.on("end", () => {
    if (open) call.end();
    gone("the client ended the stream");
  });
  call.on("cancelled", () => gone("the client is gone"));
  call.on("error", (error) => gone(error.message));
}

/** One answer to one request: a stream of the state of the world that ends after its first response. */
function serveFetch(typeUrl: string | undefined, transport: Peer["transport"], handlers: Handlers) {
  return (call: grpc.ServerUnaryCall<Buffer, Buffer>, respond: grpc.sendUnaryData<Buffer>) => {
    let answered = false;
    const answer = (error: { code: number; details: string } | null, bytes?: Buffer) => {
      if (answered) return;
      answered = true;
      respond(error, bytes);
    };
    const accepted = handlers.accept({
      mode: "sotw",
      peer: peerOf(call, transport),
      typeUrl,
      single: true,
      send: (bytes, done) => {
        answer(null, bytes);
        done();
        setImmediate(() => accepted.close("answered"));
      },
      end: (code, details) => answer({ code, details }),
    });
    call.on("cancelled", () => accepted.close("the client is gone"));
    accepted.receive(call.request);
  };
}
