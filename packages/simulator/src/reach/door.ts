import { type Mesh, workloadPort } from "@fairlead/mesh";
import { matchesLabels, type Service, type Workload } from "@fairlead/model";
import {
  type FilterChain,
  type HttpConnectionManager,
  type HttpRbac,
  type JwtAuthentication,
  type NetworkRbac,
  unpack,
} from "../envoy.ts";
import { compileChain, policiesOf } from "../listener/compiled-chain.ts";
import { nodeOf } from "../mesh/node.ts";
import { worldOf } from "../mesh/world.ts";
import { indexOf, type Resources } from "../resources.ts";

/** A port of a workload behind a service, in one transport: where requests come in, and what judges them. */
export interface Door {
  readonly service: Service;
  readonly servicePort: number;
  readonly workload: Workload;
  readonly port: number;
  /** `open`: the workload has no sidecar. `shut`: no filter chain takes this transport. */
  readonly state: "guarded" | "open" | "shut";
  readonly transport: "mtls" | "plaintext";
  readonly rooms: readonly Room[];
  /** A gateway listens itself; connections to other workloads are redirected to their proxies. */
  readonly entry: "inbound" | "bound";
}

/** One filter chain that a client may get to, and its policies. */
export interface Room {
  readonly http: boolean;
  readonly filters: readonly (HttpRbac | NetworkRbac)[];
  /** Claims that its JWT filter asks of tokens; absent where there is none. */
  readonly token?: Readonly<Record<string, unknown>>;
  /** Policies may be overridden where they are not looked for: nothing is proved here. */
  readonly overridden: boolean;
  /** Hosts that its routes know; empty: any. */
  readonly hosts: readonly string[];
  /** Server name of the TLS that it ends, which shows nothing of who the client is. */
  readonly sni?: string;
}

const JWT = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

/** The doors of a service: for each kind of workload behind it, each port, with and without mutual TLS. */
export function doorsOf(mesh: Mesh, service: Service): readonly Door[] {
  const { selector = {}, namespace } = service;
  if (Object.keys(selector).length === 0) return [];
  const kinds = new Map<string, Workload>();
  for (const workload of mesh.bucket("workloads", namespace) ?? []) {
    if (!matchesLabels(selector, workload.labels)) continue;
    const key = JSON.stringify([workload.serviceAccount, workload.tlsMode, workload.labels]);
    if (!kinds.has(key)) kinds.set(key, workload);
  }
  return [...kinds.values()].flatMap((workload) =>
    service.ports.flatMap((servicePort) => {
      const port = workloadPort(workload, servicePort);
      if (port === undefined) return [];
      const base = { service, servicePort: servicePort.number, workload, port, entry: "inbound" as const };
      const node = nodeOf(mesh, workload);
      if (node.type === "router") return [gatewayDoor(base, worldOf(mesh, node).resources)];
      if (workload.tlsMode !== "istio")
        return [{ ...base, state: "open" as const, transport: "plaintext" as const, rooms: [] }];
      return (["mtls", "plaintext"] as const).map((transport): Door => {
        const rooms = chainsAt(mesh, workload, port)
          .filter((chain) => (compileChain(chain).tls !== undefined) === (transport === "mtls"))
          .flatMap((chain) => roomOf(chain, worldOf(mesh, node).resources));
        return { ...base, transport, state: rooms.length > 0 ? "guarded" : "shut", rooms };
      });
    }),
  );
}

/** Every filter chain that a connection to this port may get to, whatever it offers in TLS. */
function chainsAt(mesh: Mesh, workload: Workload, port: number): readonly FilterChain[] {
  const { resources } = worldOf(mesh, nodeOf(mesh, workload));
  const listener = resources.listeners.find(({ name }) => name === "virtualInbound");
  const chains = listener?.filterChains ?? [];
  const own = chains.filter(({ filterChainMatch }) => filterChainMatch?.destinationPort === port);
  if (own.length > 0) return own;
  const wide = chains.filter(({ filterChainMatch }) => filterChainMatch?.destinationPort === undefined);
  return [...wide, ...(listener?.defaultFilterChain ? [listener.defaultFilterChain] : [])];
}

/** A port of a gateway takes whoever comes: who asks for client certificates is not told apart here, so nothing is proved of it. */
function gatewayDoor(base: Omit<Door, "state" | "transport" | "rooms">, resources: Resources): Door {
  const chains = resources.listeners
    .filter(({ address }) => address?.socketAddress?.portValue === base.port)
    .flatMap(({ filterChains = [], defaultFilterChain }) => [
      ...filterChains,
      ...(defaultFilterChain ? [defaultFilterChain] : []),
    ]);
  const rooms = chains.flatMap((chain) =>
    roomOf(chain, resources).map((room): Room => {
      const [name = "witness.invalid"] = chain.filterChainMatch?.serverNames ?? [];
      const secure = compileChain(chain).tls !== undefined || chain.filterChainMatch?.transportProtocol === "tls";
      return { ...room, ...(secure && { sni: name.replace(/^\*/, "witness") }) };
    }),
  );
  return { ...base, entry: "bound", transport: "plaintext", state: rooms.length > 0 ? "guarded" : "shut", rooms };
}

function roomOf(chain: FilterChain, resources: Resources): readonly Room[] {
  const { manager, proxy } = compileChain(chain);
  if (proxy?.cluster === "BlackHoleCluster") return [];
  const filters = policiesOf(chain);
  const name = manager?.rds?.routeConfigName;
  const routes = manager?.routeConfig ?? (name === undefined ? undefined : indexOf(resources).routes.get(name));
  const overridden = manager !== undefined && (routes === undefined || JSON.stringify(routes).includes("RBACPerRoute"));
  const token = manager && tokenOf(manager);
  const hosts = (routes?.virtualHosts ?? []).flatMap(({ domains = [] }) => domains.slice(0, 1));
  return [
    {
      http: manager !== undefined,
      filters,
      overridden,
      hosts: hosts.includes("*") ? [] : hosts.map((host) => host.replace(/^\*/, "witness")),
      ...(token && { token }),
    },
  ];
}

function tokenOf({ httpFilters = [] }: HttpConnectionManager): Room["token"] {
  const [jwt] = httpFilters.flatMap(({ typedConfig }) => unpack<JwtAuthentication>(typedConfig, JWT) ?? []);
  const [provider] = Object.values(jwt?.providers ?? {});
  return (
    provider && {
      ...(provider.issuer && { iss: provider.issuer }),
      ...(provider.audiences && { aud: provider.audiences[0] }),
    }
  );
}
