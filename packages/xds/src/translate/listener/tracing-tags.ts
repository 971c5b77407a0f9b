import type { CustomTag as ConfigTag, ProxyCustomTag } from "@fairlead/config";
import type { Reader } from "@fairlead/mesh";
import type { CustomTag } from "../../proto/types.ts";

const RBAC = "envoy.filters.http.rbac";

/** What a dry run of an AuthorizationPolicy would have decided. Absent from a span when there is no such policy. */
const DRY_RUN: readonly CustomTag[] = (["allow", "deny"] as const).flatMap((action) => [
  dryRunTag(`istio.authorization.dry_run.${action}_policy.name`, `istio_dry_run_${action}_shadow_effective_policy_id`),
  dryRunTag(`istio.authorization.dry_run.${action}_policy.result`, `istio_dry_run_${action}_shadow_engine_result`),
]);

function dryRunTag(tag: string, key: string): CustomTag {
  return { tag, metadata: { kind: { request: {} }, metadataKey: { key: RBAC, path: [{ key }] } } };
}

const literal = (tag: string, value: string): CustomTag => ({ tag, literal: { value } });

/** Tags that say which workload made a span. */
function workloadTags(read: Reader): CustomTag[] {
  const label = (key: string) => read.fact(`label ${key}`, (node) => node.labels[key]);
  const meshId = read.fact("mesh id", (node) => String(node.metadata.MESH_ID ?? ""));
  return [
    literal("istio.canonical_revision", label("service.istio.io/canonical-revision") || "latest"),
    literal("istio.canonical_service", label("service.istio.io/canonical-name") || "unknown"),
    literal("istio.mesh_id", meshId || "unknown"),
    literal("istio.namespace", read.fact("namespace", (node) => node.namespace) || "default"),
    literal("istio.cluster_id", read.fact("cluster", (node) => node.clusterId) || "unknown"),
  ];
}

/** The user's tags, of a Telemetry or of a proxy's configuration. */
function customTags(tags: Readonly<Record<string, ConfigTag | ProxyCustomTag>>): CustomTag[] {
  const orDefault = (defaultValue: string | undefined) => (defaultValue ? { defaultValue } : {});
  return Object.entries(tags).flatMap(([tag, { literal: value, environment, header, ...other }]): CustomTag[] => {
    if (value) return [{ tag, literal: { value: value.value ?? "" } }];
    if (environment)
      return [{ tag, environment: { name: environment.name ?? "", ...orDefault(environment.defaultValue) } }];
    if (header) return [{ tag, requestHeader: { name: header.name ?? "", ...orDefault(header.defaultValue) } }];
    return "formatter" in other && other.formatter ? [{ tag, value: other.formatter.value }] : [];
  });
}

/** All tags of a span, sorted by name; undefined without any. */
export function tracingTags(
  read: Reader,
  istioTags: boolean,
  custom: Readonly<Record<string, ConfigTag | ProxyCustomTag>>,
): CustomTag[] | undefined {
  const tags = [...(istioTags ? [...workloadTags(read), ...DRY_RUN] : []), ...customTags(custom)];
  tags.sort(({ tag: a = "" }, { tag: b = "" }) => (a < b ? -1 : a > b ? 1 : 0));
  return tags.length > 0 ? tags : undefined;
}
