import {
  type DownstreamTlsContext,
  type FilterChain,
  type HttpConnectionManager,
  type HttpRbac,
  type NetworkRbac,
  type TcpProxy,
  unpack,
} from "../envoy.ts";

/** The parts of a filter chain that decide, unpacked. */
export interface CompiledChain {
  readonly manager: HttpConnectionManager | undefined;
  readonly proxy: TcpProxy | undefined;
  readonly rbac: readonly NetworkRbac[];
  readonly tls: DownstreamTlsContext | undefined;
  /** The server name chooses the cluster. */
  readonly clusterBySni: boolean;
}

const MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const TCP_PROXY = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
const RBAC = "envoy.extensions.filters.network.rbac.v3.RBAC";
const HTTP_RBAC = "envoy.extensions.filters.http.rbac.v3.RBAC";
const DOWNSTREAM_TLS = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";

const compiled = new WeakMap<FilterChain, CompiledChain>();

export function compileChain(chain: FilterChain): CompiledChain {
  let parts = compiled.get(chain);
  if (parts === undefined) {
    const filters = chain.filters ?? [];
    const all = <T extends object>(name: string) =>
      filters.flatMap(({ typedConfig }) => unpack<T>(typedConfig, name) ?? []);
    parts = {
      manager: all<HttpConnectionManager>(MANAGER)[0],
      proxy: all<TcpProxy>(TCP_PROXY)[0],
      rbac: all<NetworkRbac>(RBAC),
      tls: unpack<DownstreamTlsContext>(chain.transportSocket?.typedConfig, DOWNSTREAM_TLS),
      clusterBySni: filters.some(({ name }) => name === "envoy.filters.network.sni_cluster"),
    };
    compiled.set(chain, parts);
  }
  return parts;
}

/** The authorization filters of a chain: of connections, then of requests. */
export function policiesOf(chain: FilterChain): readonly (HttpRbac | NetworkRbac)[] {
  const { rbac, manager } = compileChain(chain);
  const http = (manager?.httpFilters ?? []).flatMap(({ typedConfig, disabled }) =>
    disabled ? [] : (unpack<HttpRbac>(typedConfig, HTTP_RBAC) ?? []),
  );
  return [...rbac, ...http];
}
