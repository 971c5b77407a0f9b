import type { Mesh } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import { findNode } from "../mesh/node.ts";
import { worldOf } from "../mesh/world.ts";
import type { Resources } from "../resources.ts";
import { type BehaviourChange, compared, newsOf } from "./behaviour.ts";
import { changedPolicies } from "./callee-policies.ts";
import { candidates } from "./candidate.ts";
import { effectOf, type ResourceEffect } from "./effect.ts";
import { minimal } from "./minimal.ts";
import { allNodes, groupAlike } from "./proxies.ts";
import { compareResources, type ResourceChange } from "./resource-change.ts";
import { untouched } from "./untouched.ts";

/** What a change of a mesh does to one proxy. */
export interface ProxyChange {
  /** `NAME.NAMESPACE`; the other workloads that are sent the same are in {@link alike}. */
  readonly proxy: string;
  readonly alike: readonly string[];
  /** What the proxy is sent anew, each with whether it can change what becomes of requests. */
  readonly resources: readonly (ResourceChange & ResourceEffect)[];
  /** One witness for each change. */
  readonly behaviour: readonly BehaviourChange[];
}

export interface DiffOptions {
  /** The proxies to look at. Default: those of all workloads of both meshes. */
  readonly from?: readonly (string | ProxyNode)[];
  /** Most witnesses for one proxy. Default 100. */
  readonly witnesses?: number;
}

/**
 * What changes from one mesh to another: the proxies that are sent something else (all others are left alone), which resources, and
 * requests whose fate is another, as witnesses. Empty when no proxy is sent anything else. Requests are made from everything that
 * decides on both sides: listeners, filter chains, virtual hosts, routes, policies, coming in and going out; what the clusters and
 * filters on their way say (timeouts, balancing, health, TLS) is compared as well.
 */
export function diff(before: Mesh, after: Mesh, options: DiffOptions = {}): readonly ProxyChange[] {
  const { witnesses = 100 } = options;
  const nodes =
    options.from?.map((from) => (typeof from === "string" ? findNode(after, from) : from)) ?? allNodes(before, after);
  const policies = changedPolicies(before, after);
  return groupAlike(nodes).flatMap(([node, ...alike]) => {
    if (node === undefined) return [];
    const sides = [worldOf(before, node).resources, worldOf(after, node).resources] as const;
    const changed = compareResources(...sides);
    const { behaviour, passed } = behaviourChanges(before, after, node, sides, policies);
    const resources = changed.map((change) => ({ ...change, ...effectOf(change, sides, passed) }));
    if (resources.length === 0 && behaviour.length === 0) return [];
    return [
      {
        proxy: node.name,
        alike: alike.map(({ name }) => name),
        resources,
        behaviour: behaviour.slice(0, witnesses).map((change) => minimal(change, before, after)),
      },
    ];
  });
}

function behaviourChanges(
  before: Mesh,
  after: Mesh,
  node: ProxyNode,
  sides: readonly [Resources, Resources],
  policies: ReturnType<typeof changedPolicies>,
): { readonly behaviour: readonly BehaviourChange[]; readonly passed: ReadonlySet<string> } {
  const behaviour: BehaviourChange[] = [];
  const passed = new Set<string>();
  const seen = new Set<string>();
  const isUntouched = untouched(before, after, node);
  for (const candidate of candidates(sides, node, after.meshConfig.trustDomain || "cluster.local", policies)) {
    if (isUntouched(candidate)) continue;
    const change = compared(before, after, node, candidate);
    if (change === undefined) continue;
    for (const answer of [change.before, change.after]) for (const name of answer.passed) passed.add(name);
    // One witness for one change: the same two answers at another path are the same news.
    const key = newsOf(change);
    if (seen.has(key)) continue;
    seen.add(key);
    behaviour.push(change);
  }
  return { behaviour, passed };
}
