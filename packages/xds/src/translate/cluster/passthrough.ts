import { compliancePolicyOf, meshConfigOf, type Reader } from "@fairlead/mesh";
import type { BindConfig, Cluster } from "../../proto/types.ts";
import type { AddressFamily } from "../listener/address.ts";
import { addressFamilyOf, metadataFlag, proxySettingsOf } from "../listener/node-settings.ts";
import { BLACKHOLE_CLUSTER, INBOUND_PASSTHROUGH_CLUSTER, PASSTHROUGH_CLUSTER } from "../names.ts";
import { DYNAMIC_DNS_CLUSTER, outboundTrafficPolicyOf } from "../route/catch-all.ts";
import { circuitBreakers, connectTimeout, upstreamConnectionOptions } from "./connection-pool.ts";
import { EXTERNAL_SDS_CLUSTER } from "./credential.ts";
import { forwardProxyType, unknownHostsCache } from "./dynamic-forward-proxy.ts";
import { extensionOptions, passthroughOptions, protocolOptions } from "./protocol-options.ts";
import { delimited } from "./stat-name.ts";
import { tlsSocket } from "./transport.ts";
import { upstreamTlsContext } from "./upstream-tls-context.ts";

/** Addresses that interception leaves alone: what is sent from there to the workload does not come back to the proxy. */
const LOOPBACK_SOURCE = { four: "127.0.0.6", six: "::6" } as const;

/** Binds connections to the workload to an address that interception leaves alone. */
export function inboundSource(family: AddressFamily): BindConfig {
  const first = family === "IPv6" ? LOOPBACK_SOURCE.six : LOOPBACK_SOURCE.four;
  return {
    sourceAddress: { address: first, portValue: 0 },
    ...(family === "Dual"
      ? { extraSourceAddresses: [{ address: { address: LOOPBACK_SOURCE.six, portValue: 0 } }] }
      : {}),
  };
}

/** Where requests go that lead nowhere: it has no endpoint. */
export function blackHoleCluster(read: Reader): Cluster {
  return {
    name: BLACKHOLE_CLUSTER,
    altStatName: delimited(BLACKHOLE_CLUSTER),
    type: "STATIC",
    connectTimeout: connectTimeout(undefined, meshConfigOf(read)),
  };
}

function preservesCase(read: Reader): boolean {
  return proxySettingsOf(read).proxyHeaders?.preserveHttp1HeaderCase ?? false;
}

function toOriginalDestination(read: Reader, name: string): Cluster {
  const mesh = meshConfigOf(read);
  const pool = mesh.defaultTrafficPolicy?.connectionPool;
  const connections = upstreamConnectionOptions(pool, mesh);
  return {
    name,
    // Both directions count together, as in Istio.
    altStatName: delimited(PASSTHROUGH_CLUSTER),
    type: "ORIGINAL_DST",
    lbPolicy: "CLUSTER_PROVIDED",
    connectTimeout: connectTimeout(pool, mesh),
    circuitBreakers: circuitBreakers(pool, undefined),
    ...(connections ? { upstreamConnectionOptions: connections } : {}),
    typedExtensionProtocolOptions: passthroughOptions(preservesCase(read)),
  };
}

export function passthroughCluster(read: Reader): Cluster {
  return toOriginalDestination(read, PASSTHROUGH_CLUSTER);
}

export function inboundPassthroughCluster(read: Reader): Cluster {
  return {
    ...toOriginalDestination(read, INBOUND_PASSTHROUGH_CLUSTER),
    upstreamBindConfig: inboundSource(addressFamilyOf(read)),
  };
}

/** Whether unknown hosts are resolved by their names (`ALLOW_ANY_DYNAMIC_DNS`). */
export function resolvesUnknownHosts(read: Reader): boolean {
  return outboundTrafficPolicyOf(read).mode === "ALLOW_ANY_DYNAMIC_DNS";
}

/** For HTTP to unknown hosts: resolves the request's host, with TLS where the mesh's outbound policy says so. */
export function unknownHostsCluster(read: Reader): Cluster {
  const mesh = meshConfigOf(read);
  const settings = mesh.outboundTrafficPolicy?.tls;
  const secure = settings !== undefined && (settings.mode ?? "DISABLE") !== "DISABLE";
  const context =
    secure &&
    upstreamTlsContext({
      settings,
      clusterName: DYNAMIC_DNS_CLUSTER,
      content: "tcp",
      serviceNames: [],
      dynamic: true,
      tlsDefaults: mesh.tlsDefaults,
      compliance: compliancePolicyOf(read),
      credentialSocket: metadataFlag(read, "credential"),
      fileSocket: metadataFlag(read, "file-credential"),
    });
  return {
    name: DYNAMIC_DNS_CLUSTER,
    altStatName: delimited(DYNAMIC_DNS_CLUSTER),
    clusterType: forwardProxyType(
      unknownHostsCache(read),
      !secure || Boolean(settings.sni) || settings.insecureSkipVerify === true,
    ),
    lbPolicy: "CLUSTER_PROVIDED",
    connectTimeout: connectTimeout(undefined, mesh),
    circuitBreakers: circuitBreakers(undefined, undefined),
    typedExtensionProtocolOptions: secure
      ? extensionOptions({
          ...protocolOptions({
            protocol: "HTTP",
            sniffs: true,
            preserveCase: preservesCase(read),
            upgrade: undefined,
            pool: { http: { useClientProtocol: true } },
            errorCodes: [],
            autoSni: !settings.sni,
            autoSanValidation: settings.insecureSkipVerify !== true,
          }),
          commonHttpProtocolOptions: { idleTimeout: "300s" },
        })
      : passthroughOptions(preservesCase(read)),
    ...(context ? { transportSocket: tlsSocket(context) } : {}),
  };
}

/** An agent's own socket for credentials, where it says that it has one. */
export function externalSecretsCluster(read: Reader): Cluster | undefined {
  if (!metadataFlag(read, "credential")) return undefined;
  const path = "./var/run/secrets/credential-uds/socket";
  return {
    name: EXTERNAL_SDS_CLUSTER,
    altStatName: delimited(EXTERNAL_SDS_CLUSTER),
    type: "STATIC",
    connectTimeout: connectTimeout(undefined, meshConfigOf(read)),
    loadAssignment: {
      clusterName: EXTERNAL_SDS_CLUSTER,
      endpoints: [{ lbEndpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
    },
    typedExtensionProtocolOptions: extensionOptions({ explicitHttpConfig: { http2ProtocolOptions: {} } }),
  };
}
