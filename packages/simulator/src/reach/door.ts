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
}

/** One filter chain that a client may get to, and its policies. */
export interface Room {
  readonly http: boolean;
  readonly filters: readonly (HttpRbac | NetworkRbac)[];
  /** Claims that its JWT filter asks of tokens; absent where there is none. */
  readonly token?: Readonly<Record<string, unknown>>;
  /** Policies may be overridden where they are not looked for: nothing is proved here. */
  readonly overridden: boolean;
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
      const base = { service, servicePort: servicePort.number, workload, port };
      if (workload.tlsMode !== "istio")
        return [{ ...base, state: "open" as const, transport: "plaintext" as const, rooms: [] }];
      return (["mtls", "plaintext"] as const).map((transport): Door => {
        const rooms = chainsAt(mesh, workload, port)
          .filter((chain) => (compileChain(chain).tls !== undefined) === (transport === "mtls"))
          .flatMap(roomOf);
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

function roomOf(chain: FilterChain): readonly Room[] {
  const { manager, proxy } = compileChain(chain);
  if (proxy?.cluster === "BlackHoleCluster") return [];
  const filters = policiesOf(chain);
  const overridden = manager?.rds !== undefined || /RBACPerRoute/.test(JSON.stringify(manager?.routeConfig ?? {}));
  const token = manager && tokenOf(manager);
  return [{ http: manager !== undefined, filters, overridden, ...(token && { token }) }];
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
