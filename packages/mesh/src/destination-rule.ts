import { type ConfigObject, type DestinationRule, refOf } from "@fairlead/config";
import {
  compareHostSpecificity,
  isSubsetHost,
  isWildcardHost,
  matchesLabels,
  type ObjectRef,
  resolveShortHost,
  type Service,
} from "@fairlead/model";
import type { Query, Reader } from "./derivation.ts";
import { CLUSTER_DOMAIN, meshConfigOf, rootNamespaceOf } from "./mesh-settings.ts";
import { isVisibleTo, namespaceAmong, nodeMatches, type Visibility, visibilityOf } from "./visibility.ts";
import { sameMembers } from "./visible-services.ts";

/** The rules of one namespace for one host, merged: subsets are united, the first (oldest) traffic policy holds. */
export interface EffectiveDestinationRule {
  readonly host: string;
  readonly namespace: string;
  readonly spec: DestinationRule;
  readonly visibility: Visibility;
  /** The objects it was merged from; the first gave the name. */
  readonly objects: readonly ConfigObject<"DestinationRule">[];
  /** Which object (index into `objects`) and place the policy and each subset come from. */
  readonly policyFrom: { readonly source: ObjectRef; readonly path: string } | undefined;
  readonly subsetFrom: Readonly<Record<string, { readonly source: ObjectRef; readonly path: string }>>;
}

interface RulesOfNamespace {
  readonly exact: ReadonlyMap<string, readonly EffectiveDestinationRule[]>;
  /** Most specific first. */
  readonly wildcards: readonly (readonly [host: string, rules: readonly EffectiveDestinationRule[]])[];
}

const rulesOfNamespace: Query<string, RulesOfNamespace> = {
  name: "destination-rules-of-namespace",
  key: (namespace) => namespace,
  compute(read, namespace) {
    const objects = (read.bucket("config", `DestinationRule/${namespace}`) ??
      []) as readonly ConfigObject<"DestinationRule">[];
    const { defaultDestinationRuleExportTo } = meshConfigOf(read);
    const byHost = new Map<string, EffectiveDestinationRule[]>();
    // Rules for selected workloads first: they are looked at before those for all.
    const selected = objects.filter((object) => object.spec.workloadSelector);
    for (const object of [...selected, ...objects.filter((one) => !one.spec.workloadSelector)]) {
      const host = resolveShortHost(object.spec.host ?? "", namespace, CLUSTER_DOMAIN);
      const visibility = object.spec.workloadSelector
        ? new Set([namespace])
        : visibilityOf(object.spec.exportTo, defaultDestinationRuleExportTo, namespace);
      const list = byHost.get(host) ?? [];
      byHost.set(host, list);
      const index = list.findIndex(
        (rule) => sameSelector(rule.spec, object.spec) && sameVisibility(rule.visibility, visibility),
      );
      const present = list[index];
      if (present) list[index] = merge(present, object);
      else list.push(first(object, host, visibility));
    }
    const entries = [...byHost];
    return {
      exact: new Map(entries.filter(([host]) => !isWildcardHost(host))),
      wildcards: entries.filter(([host]) => isWildcardHost(host)).sort(([a], [b]) => compareHostSpecificity(a, b)),
    };
  },
};

function sameSelector(a: DestinationRule, b: DestinationRule): boolean {
  const left = a.workloadSelector?.matchLabels;
  const right = b.workloadSelector?.matchLabels;
  if (!a.workloadSelector || !b.workloadSelector) return !a.workloadSelector && !b.workloadSelector;
  return matchesLabels(left ?? {}, right ?? {}) && matchesLabels(right ?? {}, left ?? {});
}

function sameVisibility(a: Visibility, b: Visibility): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return a.size === b.size && [...a].every((namespace) => b.has(namespace));
}

function first(
  object: ConfigObject<"DestinationRule">,
  host: string,
  visibility: Visibility,
): EffectiveDestinationRule {
  const source = refOf(object);
  return {
    host,
    namespace: object.metadata.namespace,
    spec: object.spec,
    visibility,
    objects: [object],
    policyFrom: object.spec.trafficPolicy && { source, path: "spec.trafficPolicy" },
    subsetFrom: Object.fromEntries(
      (object.spec.subsets ?? []).map((subset, index) => [subset.name, { source, path: `spec.subsets[${index}]` }]),
    ),
  };
}

function merge(rule: EffectiveDestinationRule, object: ConfigObject<"DestinationRule">): EffectiveDestinationRule {
  const source = refOf(object);
  const fresh = (object.spec.subsets ?? [])
    .map((subset, index) => ({ subset, path: `spec.subsets[${index}]` }))
    .filter(({ subset }) => !(subset.name in rule.subsetFrom));
  const takesPolicy = !rule.spec.trafficPolicy && object.spec.trafficPolicy;
  return {
    ...rule,
    spec: {
      ...rule.spec,
      subsets: [...(rule.spec.subsets ?? []), ...fresh.map(({ subset }) => subset)],
      ...(takesPolicy ? { trafficPolicy: object.spec.trafficPolicy } : {}),
    } as DestinationRule,
    objects: [...rule.objects, object],
    policyFrom: takesPolicy ? { source, path: "spec.trafficPolicy" } : rule.policyFrom,
    subsetFrom: {
      ...rule.subsetFrom,
      ...Object.fromEntries(fresh.map(({ subset, path }) => [subset.name, { source, path }])),
    },
  };
}

/** The rules for the most specific host among those that count. */
function rulesForHost(
  rules: RulesOfNamespace,
  host: string,
  counts: (rule: EffectiveDestinationRule) => boolean,
): readonly EffectiveDestinationRule[] {
  const exact = rules.exact.get(host)?.filter(counts) ?? [];
  if (exact.length > 0) return exact;
  for (const [wildcard, list] of rules.wildcards) {
    const counting = isSubsetHost(host, wildcard) ? list.filter(counts) : [];
    if (counting.length > 0) return counting;
  }
  return [];
}

/** The rules of one namespace for a host, as three kinds of client look at them. */
interface NamespaceRules {
  readonly namespace: string;
  /** For clients of the namespace itself. */
  readonly own: readonly EffectiveDestinationRule[];
  /** For clients of the namespace itself where it is the root namespace: what it keeps to itself. */
  readonly kept: readonly EffectiveDestinationRule[];
  /** For clients of others, before it is asked whether they are among those that it is exported to. */
  readonly exported: readonly EffectiveDestinationRule[];
}

interface Candidates {
  readonly byNamespace: readonly NamespaceRules[];
  readonly relevantNamespaces: readonly string[];
}

/** The rules that cover a host, by namespace: what decides does not depend on the node yet. */
const candidates: Query<string, Candidates> = {
  name: "destination-rule-candidates",
  key: (host) => host,
  compute(read, host) {
    const byNamespace: NamespaceRules[] = [];
    const relevant = new Set<string>();
    for (const namespace of read.bucket("configNamespaces", "DestinationRule") ?? []) {
      const rules = read.ask(rulesOfNamespace, namespace);
      const own = rulesForHost(rules, host, ({ visibility }) => isVisibleTo(visibility, namespace));
      const kept = rulesForHost(rules, host, isPrivate);
      const exported = rulesForHost(rules, host, (rule) => !isPrivate(rule));
      if (own.length + kept.length + exported.length === 0) continue;
      byNamespace.push({ namespace, own, kept, exported });
      relevant.add(namespace);
      for (const { visibility } of [...own, ...kept, ...exported])
        if (typeof visibility === "object") for (const name of visibility) relevant.add(name);
    }
    return { byNamespace, relevantNamespaces: [...relevant].sort() };
  },
  equal: (a, b) =>
    a.byNamespace.length === b.byNamespace.length &&
    sameMembers(a.relevantNamespaces, b.relevantNamespaces) &&
    a.byNamespace.every((one, index) => {
      const other = b.byNamespace[index];
      return (
        other !== undefined &&
        one.namespace === other.namespace &&
        sameRules(one.own, other.own) &&
        sameRules(one.kept, other.kept) &&
        sameRules(one.exported, other.exported)
      );
    }),
};

function sameRules(a: readonly EffectiveDestinationRule[], b: readonly EffectiveDestinationRule[]): boolean {
  return a.length === b.length && a.every((rule, index) => sameMembers(rule.objects, b[index]?.objects ?? []));
}

/**
 * The DestinationRule that holds for a service as the node sees it: of the client's namespace, else of the service's,
 * else of the root namespace; within one namespace the most specific host. Rules with a workload selector hold for the
 * selected workloads of their own namespace, outbound only. Source: Istio `PushContext.destinationRule`.
 */
export function destinationRuleOf(
  read: Reader,
  service: Pick<Service, "hostname" | "namespace">,
  direction: "outbound" | "inbound" = "outbound",
): EffectiveDestinationRule | undefined {
  // Without any, nothing is kept for each host.
  if (!read.bucket("configNamespaces", "DestinationRule")?.length) return undefined;
  const { byNamespace, relevantNamespaces } = read.ask(candidates, service.hostname);
  if (byNamespace.length === 0) return undefined;
  const root = rootNamespaceOf(read);
  const client = namespaceAmong(read, [...relevantNamespaces, root]);
  const of = (namespace: string) => byNamespace.find((one) => one.namespace === namespace);
  const exported = (namespace: string) =>
    of(namespace)?.exported.filter((rule) => isVisibleTo(rule.visibility, client)) ?? [];
  const own = (client === root ? of(client)?.kept : of(client)?.own) ?? [];
  for (const rules of [own, exported(service.namespace), exported(root)]) {
    if (rules.length === 0) continue;
    const special =
      direction === "outbound" &&
      rules.find(
        (rule) =>
          rule.spec.workloadSelector &&
          rule.namespace === client &&
          nodeMatches(read, rule.spec.workloadSelector.matchLabels ?? {}),
      );
    return special || rules.find((rule) => !rule.spec.workloadSelector);
  }
  return undefined;
}

function isPrivate(rule: EffectiveDestinationRule): boolean {
  return (
    rule.visibility === "none" ||
    (typeof rule.visibility === "object" && rule.visibility.size === 1 && rule.visibility.has(rule.namespace))
  );
}
