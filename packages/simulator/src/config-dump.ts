import type { Cluster, ClusterLoadAssignment, Listener, RouteConfiguration } from "./envoy.ts";
import { SimulatorError } from "./error.ts";
import type { Resources } from "./resources.ts";

/** Fields whose keys are names of the user's, not of the protocol. */
const MAPS = new Set([
  "typed_per_filter_config",
  "typed_extension_protocol_options",
  "filter_metadata",
  "typed_filter_metadata",
  "policies",
  "providers",
  "requirement_map",
  "filter_state_rules",
]);

type Json = Readonly<Record<string, unknown>>;

/** The kinds of what an Envoy has, by the word for them. */
export type DumpedKind = "bootstrap" | "clusters" | "listeners" | "routes" | "endpoints" | "secrets" | "extensions";

/** One thing that an Envoy has, is still preparing, or has refused. */
export interface Dumped {
  readonly kind: DumpedKind;
  readonly name: string;
  readonly state: "static" | "active" | "warming" | "draining" | "refused";
  /** Of the response that brought it; empty for static ones. */
  readonly version: string;
  /** RFC 3339; empty where Envoy does not say. */
  readonly updated: string;
  /** As protobuf JSON, most as an Any with its `@type`; a secret without its key. */
  readonly resource: Json;
  /** Why the last version was refused. */
  readonly error?: string;
}

/** Where a kind's resources are: the list, the field of its items, and the state that this means. */
const LISTS: readonly (readonly [DumpedKind, list: string, field: string, Dumped["state"]])[] = [
  ["clusters", "static_clusters", "cluster", "static"],
  ["clusters", "dynamic_active_clusters", "cluster", "active"],
  ["clusters", "dynamic_warming_clusters", "cluster", "warming"],
  ["listeners", "static_listeners", "listener", "static"],
  ["routes", "static_route_configs", "route_config", "static"],
  ["routes", "dynamic_route_configs", "route_config", "active"],
  ["endpoints", "static_endpoint_configs", "endpoint_config", "static"],
  ["endpoints", "dynamic_endpoint_configs", "endpoint_config", "active"],
  ["secrets", "static_secrets", "secret", "static"],
  ["secrets", "dynamic_active_secrets", "secret", "active"],
  ["secrets", "dynamic_warming_secrets", "secret", "warming"],
  ["extensions", "ecds_filters", "ecds_filter", "active"],
];

const LISTENER_STATES = [
  ["active_state", "active"],
  ["warming_state", "warming"],
  ["draining_state", "draining"],
] as const;

/**
 * Everything that an Envoy of any control plane shows in its admin interface, in the order in which it does: the JSON of
 * `/config_dump?include_eds`, parsed or as text. Source: envoy.admin.v3.ConfigDump.
 */
export function readConfigDump(dump: unknown): readonly Dumped[] {
  const { configs } = record(typeof dump === "string" ? parse(dump) : dump);
  if (!Array.isArray(configs))
    throw new SimulatorError("malformed-resource", "this is no config_dump: it has no list of configs");
  return configs
    .map(record)
    .flatMap((config): Dumped[] => [
      ...(config.bootstrap === undefined ? [] : [dumped("bootstrap", "static", config, "bootstrap")]),
      ...LISTS.flatMap(([kind, list, field, state]) =>
        items(config[list]).map((item) => dumped(kind, state, item, field)),
      ),
      ...items(config.dynamic_listeners).flatMap((listener) => [
        ...LISTENER_STATES.flatMap(([field, state]) =>
          listener[field] === undefined ? [] : [dumped("listeners", state, record(listener[field]), "listener")],
        ),
        ...(listener.error_state === undefined ? [] : [refused(listener)]),
      ]),
    ]);
}

/**
 * The resources of an Envoy from its admin interface ({@link readConfigDump}). Static and active dynamic ones are taken; resources
 * that are warming serve nobody. Without `include_eds` clusters have no endpoints.
 */
export function resourcesFromConfigDump(dump: unknown): Resources {
  const serving = readConfigDump(dump).filter(({ state }) => state === "static" || state === "active");
  const of = <T>(kind: DumpedKind) =>
    serving.flatMap((one) => (one.kind === kind && Object.keys(one.resource).length > 0 ? [one.resource as T] : []));
  return {
    listeners: of<Listener>("listeners"),
    // Routes that a listener holds itself are dumped once more, some without a name.
    routes: of<RouteConfiguration>("routes").filter(({ name }) => name),
    clusters: of<Cluster>("clusters"),
    endpoints: of<ClusterLoadAssignment>("endpoints").filter(({ clusterName }) => clusterName),
  };
}

function dumped(kind: DumpedKind, state: Dumped["state"], item: Json, field: string): Dumped {
  const resource = record(camelCase(item[field], ""));
  const error = record(item.error_state).details;
  return {
    kind,
    name: text(resource.name) || text(resource.clusterName) || text(item.name),
    state,
    version: text(item.version_info),
    updated: text(item.last_updated),
    resource,
    ...(error === undefined ? {} : { error: text(error) }),
  };
}

/** A listener of which no version was ever taken, or whose last one was not. */
function refused({ name, error_state }: Json): Dumped {
  const { failed_configuration, details, last_update_attempt, version_info } = record(error_state);
  return {
    kind: "listeners",
    name: text(name),
    state: "refused",
    version: text(version_info),
    updated: text(last_update_attempt),
    resource: record(camelCase(failed_configuration, "")),
    error: text(details),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SimulatorError("malformed-resource", "this is no config_dump: it is no JSON", { cause });
  }
}

/** Field names as protobuf JSON has them; what users named, and free-form values, stay as they are. */
function camelCase(value: unknown, field: string): unknown {
  if (Array.isArray(value)) return value.map((item) => camelCase(item, field));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (field === "filter_metadata" || (field === "transport_socket_matches" && key === "match")) return [key, inner];
      return [MAPS.has(field) ? key : rename(key), camelCase(inner, MAPS.has(field) ? "" : key)];
    }),
  );
}

const rename = (key: string) => key.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function record(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function items(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(record) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
