// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { choice, type Infer, int32, list, message, struct } from "../../schema/message.ts";
import { policyTargetReference, sidecarWorkloadSelector } from "../shared/selector.ts";
import { envoyPatchMatch } from "./match.ts";

export const envoyPatch = message({
  operation: choice(
    "INVALID",
    "MERGE",
    "ADD",
    "REMOVE",
    "INSERT_BEFORE",
    "INSERT_AFTER",
    "INSERT_FIRST",
    "REPLACE",
    "MERGE_AND_REPLACE_LIST",
  ),
  value: struct(),
  filterClass: choice("UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"),
});
/** The operation and its value, in Envoy's API. */
export type EnvoyPatch = Infer<typeof envoyPatch>;

export const envoyConfigPatch = message({
  applyTo: choice(
    "INVALID",
    "LISTENER",
    "FILTER_CHAIN",
    "NETWORK_FILTER",
    "HTTP_FILTER",
    "ROUTE_CONFIGURATION",
    "VIRTUAL_HOST",
    "HTTP_ROUTE",
    "CLUSTER",
    "EXTENSION_CONFIG",
    "BOOTSTRAP",
    "LISTENER_FILTER",
  ),
  match: envoyPatchMatch,
  patch: envoyPatch,
});
/** What is patched, where, and how. */
export type EnvoyConfigPatch = Infer<typeof envoyConfigPatch>;

export const envoyFilter = message({
  workloadSelector: sidecarWorkloadSelector,
  targetRefs: list(policyTargetReference, { max: 16 }),
  configPatches: list(envoyConfigPatch),
  priority: int32(),
});
/** Patches to the configuration that proxies get. For what nothing else can say. */
export type EnvoyFilter = Infer<typeof envoyFilter>;
