import { typeUrlOf } from "./proto/type-url.ts";

/** What the discovery server must know of a type. */
export interface ResourceType {
  readonly typeUrl: string;
  readonly shortName: string;
  /** Full name of the message that resources are. */
  readonly message: string;
  /** The type URL inside the `Any` of a resource; that of the type, where resources have no envelope. */
  readonly anyUrl: string;
  /** Adds and changes are pushed in this order: what is referred to before what refers to it. */
  readonly order: number;
  /** An empty first request means everything (`legacy`), only `*` does (`explicit`), or nothing does (`never`). */
  readonly wildcard: "legacy" | "explicit" | "never";
  /** State-of-the-world responses hold all resources, and what is missing is removed; other types send what changed. */
  readonly fullState: boolean;
  /**
   * The answer for a name that does not exist: an `empty` message of that name where clients do not end their wait on a
   * removal (EDS, RDS), else `removed` (delta; nothing in the state of the world).
   */
  readonly unknown: "empty" | "removed";
  /** The field that holds the name, as a path (`metadata.name`). */
  readonly nameField: string;
  /** Removals wait until what may refer to a resource has been acknowledged. */
  readonly heldOnRemoval: boolean;
  /** Refers to clusters: sent once new clusters are warm, and waited for before clusters are removed. */
  readonly refersToClusters: boolean;
  /** Holds private keys: never on a plaintext connection, never left out on a reconnect. */
  readonly secret: boolean;
}

type Row = Omit<ResourceType, "typeUrl" | "anyUrl" | "message"> & { readonly message: string };

const DEFAULTS = {
  order: 100,
  wildcard: "explicit",
  fullState: false,
  unknown: "removed",
  nameField: "name",
  heldOnRemoval: false,
  refersToClusters: false,
  secret: false,
} as const;

const ROWS: readonly (Partial<Row> & Pick<Row, "shortName" | "message">)[] = [
  {
    shortName: "CDS",
    message: "envoy.config.cluster.v3.Cluster",
    order: 0,
    wildcard: "legacy",
    fullState: true,
    heldOnRemoval: true,
  },
  {
    shortName: "EDS",
    message: "envoy.config.endpoint.v3.ClusterLoadAssignment",
    order: 1,
    unknown: "empty",
    nameField: "clusterName",
    heldOnRemoval: true,
  },
  {
    shortName: "ECDS",
    message: "envoy.config.core.v3.TypedExtensionConfig",
    order: 2,
    refersToClusters: true,
    heldOnRemoval: true,
  },
  {
    shortName: "LDS",
    message: "envoy.config.listener.v3.Listener",
    order: 3,
    wildcard: "legacy",
    fullState: true,
    refersToClusters: true,
  },
  { shortName: "SRDS", message: "envoy.config.route.v3.ScopedRouteConfiguration", order: 4, refersToClusters: true },
  {
    shortName: "RDS",
    message: "envoy.config.route.v3.RouteConfiguration",
    order: 5,
    unknown: "empty",
    refersToClusters: true,
  },
  { shortName: "VHDS", message: "envoy.config.route.v3.VirtualHost", order: 6, refersToClusters: true },
  {
    shortName: "SDS",
    message: "envoy.extensions.transport_sockets.tls.v3.Secret",
    order: 7,
    wildcard: "never",
    secret: true,
  },
  { shortName: "RTDS", message: "envoy.service.runtime.v3.Runtime", order: 8 },
  { shortName: "NDS", message: "istio.networking.nds.v1.NameTable", order: 9, wildcard: "legacy" },
  { shortName: "PCDS", message: "istio.mesh.v1alpha1.ProxyConfig", order: 9, wildcard: "legacy" },
  { shortName: "WADS", message: "istio.security.Authorization", order: 10, wildcard: "legacy" },
];

/** One row a resource type, in push order. */
export const RESOURCE_TYPES: readonly ResourceType[] = ROWS.map((row) => ({
  ...DEFAULTS,
  ...row,
  typeUrl: typeUrlOf(row.message),
  anyUrl: typeUrlOf(row.message),
}));

const BY_URL = new Map(RESOURCE_TYPES.map((type) => [type.typeUrl, type]));

/** A kind of configuration, `networking.istio.io/v1/VirtualService`: Istio's configuration over xDS (MCP). */
const CONFIG_KIND = /^[a-z0-9.-]+\/v\d\w*\/([A-Z]\w*)$/;

const CONFIG_MESSAGE = "istio.mcp.v1alpha1.Resource";

/**
 * The row of a type URL. A type that is not in the table is pushed last and may be asked for with an empty list; kinds of
 * configuration are besides sent in full, each object in an envelope.
 */
export function resourceType(typeUrl: string): ResourceType {
  const found = BY_URL.get(typeUrl);
  if (found) return found;
  const shortName = CONFIG_KIND.exec(typeUrl)?.[1];
  if (shortName !== undefined)
    return {
      ...DEFAULTS,
      wildcard: "legacy",
      fullState: true,
      nameField: "metadata.name",
      typeUrl,
      shortName,
      message: CONFIG_MESSAGE,
      anyUrl: typeUrlOf(CONFIG_MESSAGE),
    };
  const message = typeUrl.slice(typeUrl.lastIndexOf("/") + 1);
  return {
    ...DEFAULTS,
    wildcard: "legacy",
    typeUrl,
    anyUrl: typeUrl,
    message,
    shortName: message.slice(message.lastIndexOf(".") + 1),
  };
}

function named(shortName: string): string {
  const row = RESOURCE_TYPES.find((type) => type.shortName === shortName);
  if (!row) throw new Error(`no resource type ${shortName}`);
  return row.typeUrl;
}

/** The type URLs that are named most often. */
export const AUTHORIZATION_TYPE = named("WADS");
export const CLUSTER_TYPE = named("CDS");
export const ENDPOINT_TYPE = named("EDS");
export const EXTENSION_CONFIG_TYPE = named("ECDS");
export const LISTENER_TYPE = named("LDS");
export const NAME_TABLE_TYPE = named("NDS");
export const ROUTE_TYPE = named("RDS");
export const SECRET_TYPE = named("SDS");
