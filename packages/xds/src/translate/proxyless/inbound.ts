import { peerAuthenticationOf, policiesOf, type Reader, type ServiceTarget, serviceTargetsOf } from "@fairlead/mesh";
import type { FilterChain, HttpFilter, Listener } from "../../proto/types.ts";
import { type Build, type Generated, generated, type Provenance } from "../generated.ts";
import { listenAddress } from "../listener/address.ts";
import { routerFilter } from "../listener/static-filters.ts";
import { tlsTransportSocket } from "../listener/tls-context.ts";
import { typed } from "../listener/typed.ts";
import { httpAuthorizationFilters } from "../security/filters.ts";
import { programTls } from "./tls.ts";

/** What a program's bootstrap has as `server_listener_resource_name_template`, without its `%s`. Istio's. */
const PREFIX = "xds.istio.io/grpc/lds/inbound/";

/** The ports that the program serves, once each: the oldest service that leads there has it. */
export function inboundPorts(read: Reader): readonly number[] {
  return [...new Set(serviceTargetsOf(read).map(({ targetPort }) => targetPort))].sort((a, b) => a - b);
}

/**
 * The listener of a gRPC server, under the address that the program binds: it asks by that, and refuses a listener of
 * another one. Source: gRFC A36; Istio, `grpcgen.buildInboundListeners`.
 */
export function inboundListeners(read: Reader, port: number, provenance?: Provenance): readonly Generated<Listener>[] {
  const target = serviceTargetsOf(read).find(({ targetPort }) => targetPort === port);
  if (!target) return [];
  const own = read.fact("own addresses", ({ ipAddresses }) => ipAddresses.join(" ")).split(" ");
  const hosts = [...new Set(["0.0.0.0", "::", "127.0.0.1", "::1", ...own])].filter(Boolean);
  return hosts.map((host) => {
    const name = `${PREFIX}${host.includes(":") ? `[${host}]` : host}:${port}`;
    return generated(read, name, (build) => inboundListener(build, name, host, target), provenance);
  });
}

function inboundListener(build: Build, name: string, host: string, { service, targetPort }: ServiceTarget): Listener {
  const { read } = build;
  const { mode, ports, sources } = peerAuthenticationOf(read);
  for (const source of sources) build.uses(source);
  for (const { kind, metadata } of policiesOf(read, "RequestAuthentication"))
    build.report({
      code: "unsupported-field",
      severity: "warning",
      object: { kind, namespace: metadata.namespace, name: metadata.name },
      path: "spec.jwtRules",
      message: "gRPC without a proxy verifies no tokens: requests pass with whatever token they have",
    });
  const effective = ports[targetPort] ?? mode;
  // gRPC cannot tell both apart: who says that it takes the mesh's TLS takes that only.
  const speaksTls = read.fact("TLS label", ({ labels }) => labels["security.istio.io/tlsMode"] === "istio");
  const mutual = effective === "STRICT" || (effective === "PERMISSIVE" && speaksTls);
  return build.from(
    { name, address: listenAddress(host, targetPort), filterChains: [chain(build, mutual)] },
    service.source,
  );
}

function chain(build: Build, mutual: boolean): FilterChain {
  const suffix = mutual ? "mtls" : "plaintext";
  const transportSocket = mutual
    ? tlsTransportSocket({ commonTlsContext: programTls([]), requireClientCertificate: true })
    : undefined;
  return {
    name: `inbound-${suffix}`,
    filters: [
      {
        name: `inbound-hcm-${suffix}`,
        typedConfig: typed("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
          statPrefix: "inbound",
          routeConfig: {
            name: "inbound",
            virtualHosts: [
              { name: "inbound", domains: ["*"], routes: [{ match: { prefix: "/" }, nonForwardingAction: {} }] },
            ],
          },
          httpFilters: [...authorization(build), routerFilter(false)],
        }),
      },
    ],
    ...(transportSocket ? { transportSocket } : {}),
  };
}

/** gRPC wants a name of its own for each filter, and knows none but those of policies that it can decide itself. */
function authorization(build: Build): HttpFilter[] {
  for (const { kind, metadata, spec } of policiesOf(build.read, "AuthorizationPolicy"))
    if (spec.action === "CUSTOM" || spec.action === "AUDIT")
      build.report({
        code: "unsupported-field",
        severity: "warning",
        object: { kind, namespace: metadata.namespace, name: metadata.name },
        path: "spec.action",
        message: `gRPC without a proxy knows ALLOW and DENY only: ${spec.action} has no effect`,
      });
  return httpAuthorizationFilters(build, "local").map((filter, index) =>
    index === 0 ? filter : { ...filter, name: `${filter.name}.${index}` },
  );
}
