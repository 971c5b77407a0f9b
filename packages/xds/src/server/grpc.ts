import { fixedTls, listenGrpc, type Method, type PeerCertificate, type ServerStream, STATUS } from "@fairlead/grpc";
import {
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  EXTENSION_CONFIG_TYPE,
  LISTENER_TYPE,
  ROUTE_TYPE,
  SECRET_TYPE,
} from "../resource-type.ts";
import { XdsError } from "../xds-error.ts";
import type { Listening, ListenOptions } from "./listen-options.ts";
import { type Peer, uriNames } from "./peer.ts";
import type { Transport } from "./transport.ts";

/** What carries a stream tells the server. */
interface Accepted {
  receive(bytes: Uint8Array): void;
  close(reason: string): void;
}

interface Handlers {
  accept(transport: Transport): Accepted;
  readonly maxRequestBytes: number;
  readonly maxConnectionAge: number | undefined;
  onError(error: unknown): void;
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

/** Streams do not end by themselves: what they are given more than a response takes is in vain. Milliseconds. */
const AGE_GRACE = 1_000;
const SHUTDOWN_GRACE = 500;

/** Serves all discovery services on one address. Messages pass as bytes. */
export async function listenDiscovery(options: ListenOptions, handlers: Handlers): Promise<Listening> {
  const { address, tls, insecure } = options;
  const { maxConnectionAge } = handlers;
  if (!address.startsWith("unix:") && !tls && !insecure && !isLoopback(address))
    throw new XdsError("insecure", `plaintext on ${address}, which is not a loopback address, needs insecure: true`);
  const server = await listenGrpc({
    address,
    methods: SERVICES.flatMap(({ service, suffix, typeUrl, fetch }): Method[] => [
      streamMethod(`/${service}/Stream${suffix}`, "sotw", typeUrl, handlers),
      streamMethod(`/${service}/Delta${suffix}`, "delta", typeUrl, handlers),
      ...(fetch ? [fetchMethod(`/${service}/${fetch}`, typeUrl, handlers)] : []),
    ]),
    ...(tls ? { tls: "subscribe" in tls ? tls : fixedTls(tls) } : {}),
    maxReceiveBytes: handlers.maxRequestBytes,
    ...(maxConnectionAge === undefined ? {} : { maxConnectionAge: { max: maxConnectionAge, grace: AGE_GRACE } }),
    onError: (error) => handlers.onError(error),
  }).catch((cause: Error) => {
    throw new XdsError("listen-failed", `cannot listen on ${address}: ${cause.message}`, { cause });
  });
  return { address: server.address, port: server.port, close: () => server.close(SHUTDOWN_GRACE) };
}

function isLoopback(address: string): boolean {
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Names are read once for each certificate, which the streams of a connection share. */
const identitiesOf = new WeakMap<PeerCertificate, readonly string[]>();

function peerOf({ call }: ServerStream): Peer {
  const { address, transport, certificate } = call.peer;
  let identities = certificate && identitiesOf.get(certificate);
  if (certificate && !identities) {
    identities = uriNames(certificate.subjectAltName);
    identitiesOf.set(certificate, identities);
  }
  return {
    address,
    transport,
    certificate: certificate?.der,
    identities: identities ?? [],
    metadata: (name) => call.metadata(name),
  };
}

function streamMethod(path: string, mode: "sotw" | "delta", typeUrl: string | undefined, handlers: Handlers): Method {
  return {
    kind: "stream",
    path,
    open(stream) {
      const accepted = handlers.accept({
        mode,
        peer: peerOf(stream),
        typeUrl,
        send: (bytes, done) => stream.write(bytes, done),
        end: (code, details) => stream.end({ code, details }),
      });
      return {
        message: (bytes) => accepted.receive(bytes),
        closed: (reason) => accepted.close(reason),
      };
    },
  };
}

/** One answer to one request: a stream of the state of the world that ends after its first response. */
function fetchMethod(path: string, typeUrl: string | undefined, handlers: Handlers): Method {
  return {
    kind: "stream",
    path,
    open(stream) {
      const accepted = handlers.accept({
        mode: "sotw",
        peer: peerOf(stream),
        typeUrl,
        single: true,
        send(bytes, done) {
          stream.write(bytes, done);
          stream.end();
        },
        end: (code, details) => stream.end({ code, details }),
      });
      let asked = false;
      return {
        message(bytes) {
          asked = true;
          accepted.receive(bytes);
        },
        halfClosed() {
          // The answer to a request is still to come.
          if (!asked) stream.end({ code: STATUS.invalidArgument, details: "there is no request" });
        },
        closed: (reason) => accepted.close(reason),
      };
    },
  };
}
