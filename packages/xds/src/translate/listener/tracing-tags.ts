import type { CustomTag as ConfigTag, ProxyCustomTag } from "@fairlead/config";
import type { Reader } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
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

/** What the tags of a span say of the workload that made it; nodes that say the same are one. */
const tagTexts = new WeakMap<ProxyNode, string>();

function tagText(node: ProxyNode): string {
  let text = tagTexts.get(node);
  if (text === undefined) {
    const { labels, metadata, namespace, clusterId } = node;
    const tags: Readonly<Record<string, string>> = {
      canonical_revision: labels["service.istio.io/canonical-revision"] || "latest",
      canonical_service: labels["service.istio.io/canonical-name"] || "unknown",
      mesh_id: String(metadata.MESH_ID || "unknown"),
      namespace: namespace || "default",
      cluster_id: clusterId || "unknown",
    };
    text = JSON.stringify(tags);
    tagTexts.set(node, text);
  }
  return text;
}

/** Tags that say which workload made a span. */
function workloadTags(read: Reader): CustomTag[] {
  const tags = JSON.parse(read.fact("span tags", tagText)) as Readonly<Record<string, string>>;
  return Object.entries(tags).map(([name, value]) => literal(`istio.${name}`, value));
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
