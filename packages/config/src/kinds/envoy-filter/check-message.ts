import type { Diagnostic } from "@fairlead/model";
import { parsePath } from "../../common/path.ts";
import type { Report } from "../../validation/report.ts";
import type { EnvoyFilter } from "./schema.ts";

/**
 * What keeps JSON from being a message of Envoy's API (`envoy.config.cluster.v3.Cluster`): paths within it, `unknown-field` as the
 * code of fields that it has not, `conflicting-fields` of a field that another of its oneof excludes. `validate` of `@fairlead/xds/proto` is one.
 */
export type MessageCheck = (type: string, json: object) => readonly Diagnostic[];

/** The message that a patch's value is a part of. */
const MESSAGES: Readonly<Record<string, string>> = {
  BOOTSTRAP: "envoy.config.bootstrap.v3.Bootstrap",
  CLUSTER: "envoy.config.cluster.v3.Cluster",
  EXTENSION_CONFIG: "envoy.config.core.v3.TypedExtensionConfig",
  FILTER_CHAIN: "envoy.config.listener.v3.FilterChain",
  HTTP_FILTER: "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
  HTTP_ROUTE: "envoy.config.route.v3.Route",
  LISTENER: "envoy.config.listener.v3.Listener",
  LISTENER_FILTER: "envoy.config.listener.v3.ListenerFilter",
  NETWORK_FILTER: "envoy.config.listener.v3.Filter",
  ROUTE_CONFIGURATION: "envoy.config.route.v3.RouteConfiguration",
  VIRTUAL_HOST: "envoy.config.route.v3.VirtualHost",
};

/**
 * What a cluster lets pass though no message is like this: a field that is not known, which a newer Envoy may know; several
 * fields of a oneof, of which Go's `jsonpb` takes one. Such a patch is not applied.
 */
const LET_PASS: ReadonlySet<string> = new Set(["unknown-field", "conflicting-fields"]);

/** Checks what patches put in against Envoy's API: what is not a message is an error, except what a cluster lets pass. */
export function checkMessages({ configPatches = [] }: EnvoyFilter, check: MessageCheck, report: Report): void {
  for (const [index, { applyTo, match, patch }] of configPatches.entries()) {
    const type = MESSAGES[applyTo ?? ""];
    const { operation = "INVALID", value } = patch ?? {};
    if (type === undefined || value === undefined || operation === "INVALID" || match?.context === "WAYPOINT") continue;
    for (const { code, path, message } of check(type, value)) {
      const at = report.at("configPatches", index, "patch", "value", ...(parsePath(path) ?? []));
      if (LET_PASS.has(code)) at.warning(code, `${message}; the patch is not applied`);
      else at.error(code, message);
    }
  }
}
