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

/**
 * The resources of an Envoy from its admin interface: the JSON of `/config_dump?include_eds`, parsed or as text, of any control
 * plane. Static and active dynamic ones are taken; resources that are warming serve nobody. Without `include_eds` clusters have
 * no endpoints. Source: envoy.admin.v3.ConfigDump.
 */
export function resourcesFromConfigDump(dump: unknown): Resources {
  const { configs } = record(typeof dump === "string" ? parse(dump) : dump);
  if (!Array.isArray(configs))
    throw new SimulatorError("malformed-resource", "this is no config_dump: it has no list of configs");
  const listeners: unknown[] = [];
  const routes: unknown[] = [];
  const clusters: unknown[] = [];
  const endpoints: unknown[] = [];
  for (const config of configs.map(record)) {
    const all = (list: string, field: string) => items(config[list]).flatMap((item) => item[field] ?? []);
    listeners.push(
      ...all("static_listeners", "listener"),
      ...all("dynamic_listeners", "active_state").flatMap((state) => record(state).listener ?? []),
    );
    clusters.push(...all("static_clusters", "cluster"), ...all("dynamic_active_clusters", "cluster"));
    routes.push(...all("static_route_configs", "route_config"), ...all("dynamic_route_configs", "route_config"));
    endpoints.push(
      ...all("static_endpoint_configs", "endpoint_config"),
      ...all("dynamic_endpoint_configs", "endpoint_config"),
    );
  }
  const plain = <T>(list: readonly unknown[]) => list.map((one) => fromAdminJson(one) as T);
  return {
    listeners: plain<Listener>(listeners),
    // Routes that a listener holds itself are dumped once more, some without a name.
    routes: plain<RouteConfiguration>(routes).filter(({ name }) => name),
    clusters: plain<Cluster>(clusters),
    endpoints: plain<ClusterLoadAssignment>(endpoints).filter(({ clusterName }) => clusterName),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SimulatorError("malformed-resource", "this is no config_dump: it is no JSON", { cause });
  }
}

/** A message of Envoy's admin interface, which has the field names of the protos, as protobuf JSON has it. */
export function fromAdminJson(value: unknown): unknown {
  return camelCase(value, "");
}

/** What users named, and free-form values, stay as they are. */
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
