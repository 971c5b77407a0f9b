import { fromAdminJson } from "@fairlead/simulator";
import { CliError } from "../cli-error.ts";

/** The kinds of what an Envoy has, by the word for them. */
export type DumpedKind = "bootstrap" | "clusters" | "listeners" | "routes" | "endpoints" | "secrets" | "extensions";

export type Json = Readonly<Record<string, unknown>>;

/** One thing that an Envoy has, is still preparing, or has refused. */
export interface Dumped {
  readonly kind: DumpedKind;
  readonly name: string;
  readonly state: "static" | "active" | "warming" | "draining" | "refused";
  /** Of the response that brought it; empty for static ones. */
  readonly version: string;
  /** RFC 3339; empty where Envoy does not say. */
  readonly updated: string;
  /** As protobuf JSON; a secret without its key. */
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

/** Everything in the answer of `/config_dump?include_eds`, sorted by kind, name and state. Source: envoy.admin.v3.ConfigDump. */
export function readConfigDump(dump: unknown, from: string): readonly Dumped[] {
  const { configs } = record(dump);
  if (!Array.isArray(configs)) throw new CliError("unreadable", `${from} is no config_dump: it has no list of configs`);
  const found = configs
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
  return found.sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name) || compare(a.state, b.state));
}

function dumped(kind: DumpedKind, state: Dumped["state"], item: Json, field: string): Dumped {
  const resource = messageOf(item[field]);
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
    resource: messageOf(failed_configuration),
    error: text(details),
  };
}

/** Most are dumped as an Any; the kind says which message it is. */
function messageOf(value: unknown): Json {
  const { "@type": _, ...resource } = record(fromAdminJson(value));
  return resource;
}

export function record(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

export function items(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(record) : [];
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
