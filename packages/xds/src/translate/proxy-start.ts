import type { MeshProxyConfig } from "@fairlead/config";
import { Derivations, type Mesh, meshConfigOf, policiesOf, type Reader, rootNamespaceOf } from "@fairlead/mesh";
import type { Diagnostic, NodeJson, ProxyNode } from "@fairlead/model";
import type { Bootstrap } from "../proto/types.ts";
import { type BootstrapOptions, bootstrap } from "./bootstrap.ts";
import { mergeMessage } from "./patch/merge.ts";
import { bootstrapPatchDiagnostics, patchesOf } from "./patch/patches.ts";

/** How a proxy is to be started. */
export interface ProxyStart {
  readonly bootstrap: Bootstrap;
  /** Worker threads (`--concurrency`); 0: one a processor. Absent: nothing says. */
  readonly concurrency?: number;
  /** For the proxy's process. */
  readonly environment: Readonly<Record<string, string>>;
  /** Kind of image (`distroless`, …). Absent: nothing says. */
  readonly image?: string;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The bootstrap of a proxy and what else its start takes from a mesh: ProxyConfig objects (workload over namespace over
 * root namespace over the mesh's default), `defaultConfig`, and EnvoyFilters for BOOTSTRAP. `options` go before the mesh.
 * Source: Istio API, `ProxyConfig`; Istio `bootstrap`.
 */
export function proxyStart(mesh: Mesh, node: ProxyNode, json: NodeJson, options: BootstrapOptions = {}): ProxyStart {
  return new Derivations(mesh).ask(
    { name: "proxy-start", key: () => "", compute: (read) => startOf(read, json, options) },
    undefined,
    node,
  );
}

function startOf(read: Reader, json: NodeJson, options: BootstrapOptions): ProxyStart {
  const defaults = meshConfigOf(read).defaultConfig ?? {};
  const kinds = policiesOf(read, "ProxyConfig").filter(
    ({ metadata, spec }) =>
      // With a selector, an object of the root namespace holds for that namespace only.
      metadata.namespace !== rootNamespaceOf(read) || !hasSelector(spec),
  );
  const chosen = [
    kinds.find(({ spec }) => hasSelector(spec)),
    kinds.find(({ metadata, spec }) => !hasSelector(spec) && metadata.namespace !== rootNamespaceOf(read)),
    kinds.find(({ metadata, spec }) => !hasSelector(spec) && metadata.namespace === rootNamespaceOf(read)),
  ].flatMap((object) => (object ? [object.spec] : []));
  const concurrency = [...chosen.map((spec) => spec.concurrency), defaults.concurrency].find(
    (value) => value !== undefined && value !== null,
  );
  const image = [...chosen, defaults].map((spec) => spec.image?.imageType).find(Boolean);
  const environment = Object.assign(
    {},
    defaults.proxyMetadata,
    ...chosen.map((spec) => spec.environmentVariables ?? {}).reverse(),
  ) as Record<string, string>;
  const made = bootstrap(json, {
    ...(defaults.discoveryAddress ? { ads: defaults.discoveryAddress } : {}),
    ...(defaults.proxyAdminPort ? { admin: `127.0.0.1:${defaults.proxyAdminPort}` } : {}),
    ...options,
  });
  return {
    bootstrap: patched(read, withSettings(made, defaults)),
    environment,
    ...(concurrency === undefined || concurrency === null ? {} : { concurrency }),
    ...(image ? { image } : {}),
    diagnostics: bootstrapPatchDiagnostics(read),
  };
}

function hasSelector({ selector }: { readonly selector?: { readonly matchLabels?: object } }): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length > 0;
}

/** What Envoy itself must count, whatever else is left out. Istio's. */
const ALWAYS_COUNTED = ["cluster_manager", "listener_manager", "server", "cluster.xds-grpc", "wasm"];

function withSettings(made: Bootstrap, settings: MeshProxyConfig): Bootstrap {
  const { runtimeValues = {}, proxyStatsMatcher, statsdUdpAddress } = settings;
  const values = Object.keys(runtimeValues).length > 0 ? runtimeValues : undefined;
  const patterns = proxyStatsMatcher && [
    ...[...ALWAYS_COUNTED, ...(proxyStatsMatcher.inclusionPrefixes ?? [])].map((prefix) => ({ prefix })),
    ...(proxyStatsMatcher.inclusionSuffixes ?? []).map((suffix) => ({ suffix })),
    ...(proxyStatsMatcher.inclusionRegexps ?? []).map((regex) => ({ safeRegex: { regex } })),
  ];
  return {
    ...made,
    ...(values
      ? {
          layeredRuntime: {
            layers: [...(made.layeredRuntime?.layers ?? []), { name: "mesh", staticLayer: { ...values } }],
          },
        }
      : {}),
    ...(patterns ? { statsConfig: { statsMatcher: { inclusionList: { patterns } } } } : {}),
    ...(statsdUdpAddress ? { statsSinks: [statsd(statsdUdpAddress)] } : {}),
  };
}

/** `HOST:PORT`; Envoy wants an IP address there. */
function statsd(address: string) {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  return {
    name: "envoy.stat_sinks.statsd",
    typedConfig: {
      "@type": "type.googleapis.com/envoy.config.metrics.v3.StatsdSink",
      address: { socketAddress: { protocol: "UDP", address: host, portValue: Number(address.slice(colon + 1)) } },
    },
  } as const;
}

function patched(read: Reader, made: Bootstrap): Bootstrap {
  return patchesOf(read)
    .filter(({ target, operation }) => target === "BOOTSTRAP" && operation === "MERGE")
    .reduce((merged, { value }) => mergeMessage("envoy.config.bootstrap.v3.Bootstrap", merged, value), made);
}
