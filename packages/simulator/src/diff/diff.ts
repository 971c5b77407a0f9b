import type { Mesh } from "@fairlead/mesh";
import { type ProxyNode, structurallyEqual, type Workload } from "@fairlead/model";
import type { Answer } from "../answer.ts";
import { SimulatorError } from "../error.ts";
import { evaluate, type Question } from "../evaluate.ts";
import { findNode, nodeOf } from "../mesh/node.ts";
import { worldOf } from "../mesh/world.ts";
import type { Resources } from "../resources.ts";
import { candidates } from "./candidate.ts";
import { compareResources, type ResourceChange } from "./resource-change.ts";

/** A request whose fate changes. It can be asked of both meshes as it stands. */
export interface BehaviourChange {
  readonly question: Question;
  readonly before: Answer;
  readonly after: Answer;
  /** What of the answer differs. */
  readonly differs: readonly ("outcome" | "destinations" | "response" | "rewrites" | "policy")[];
}

/** What a change of a mesh does to one proxy. */
export interface ProxyChange {
  /** `NAME.NAMESPACE`; the other workloads that are sent the same are in {@link alike}. */
  readonly proxy: string;
  readonly alike: readonly string[];
  readonly resources: readonly ResourceChange[];
  readonly behaviour: readonly BehaviourChange[];
}

export interface DiffOptions {
  /** The proxies to look at. Default: those of all workloads of both meshes. */
  readonly from?: readonly (string | ProxyNode)[];
  /** Most witnesses for one proxy. Default 100. */
  readonly witnesses?: number;
}

/**
 * What changes from one mesh to another: the proxies that are sent something else, which resources (compared in meaning),
 * and requests whose fate is another, as witnesses. Witnesses are made from the routes of both sides; a change that none of
 * these tells apart shows in the resources only.
 */
export function diff(before: Mesh, after: Mesh, options: DiffOptions = {}): readonly ProxyChange[] {
  const { witnesses = 100 } = options;
  const nodes =
    options.from?.map((from) => (typeof from === "string" ? findNode(after, from) : from)) ?? allNodes(before, after);
  return groupAlike(nodes).flatMap(([node, ...alike]) => {
    if (node === undefined) return [];
    const [old, now] = [worldOf(before, node).resources, worldOf(after, node).resources];
    const resources = compareResources(old, now);
    const behaviour = behaviourChanges(before, after, node, old, now, resources).slice(0, witnesses);
    if (resources.length === 0 && behaviour.length === 0) return [];
    return [{ proxy: node.name, alike: alike.map(({ name }) => name), resources, behaviour }];
  });
}

const PARTS = ["outcome", "destinations", "response", "rewrites", "policy"] as const;

/** What of two answers differs. */
export function answerDifferences(before: Answer, after: Answer): BehaviourChange["differs"] {
  return PARTS.filter((part) => !structurallyEqual(before[part], after[part]));
}

function behaviourChanges(
  before: Mesh,
  after: Mesh,
  node: ProxyNode,
  old: Resources,
  now: Resources,
  changes: readonly ResourceChange[],
): readonly BehaviourChange[] {
  const changed = new Set(changes.filter(({ type }) => type === "routes").map(({ name }) => name));
  // A change of anything else may move any request: then all routes are asked.
  const wide = changes.length === 0 || changes.some(({ type }) => type !== "routes");
  const seen = new Set<string>();
  return candidates([old, now], (name) => wide || changed.has(name)).flatMap(({ request, at }): BehaviourChange[] => {
    const question = { from: node, request, at };
    const [left, right] = [answerOf(before, question), answerOf(after, question)];
    if (left === undefined || right === undefined) return [];
    const differs = answerDifferences(left, right);
    if (differs.length === 0) return [];
    // One witness for one change: the same two answers at another path are the same news.
    const key = JSON.stringify([PARTS.map((part) => left[part]), PARTS.map((part) => right[part])]);
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ question, before: left, after: right, differs }];
  });
}

function answerOf(mesh: Mesh, question: Question): Answer | undefined {
  try {
    return evaluate(mesh, question);
  } catch (error) {
    if (error instanceof SimulatorError) return undefined;
    throw error;
  }
}

/** The proxies of all workloads. */
export function allNodes(...meshes: readonly Mesh[]): readonly ProxyNode[] {
  const nodes = new Map<string, ProxyNode>();
  for (const mesh of meshes)
    for (const workload of workloadsOf(mesh)) {
      if (workload.tlsMode !== "istio") continue;
      const node = nodeOf(mesh, workload);
      nodes.set(node.id, node);
    }
  return [...nodes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function* workloadsOf(mesh: Mesh): Iterable<Workload> {
  const namespaces = new Set([...mesh.services()].map(({ namespace }) => namespace));
  for (const { metadata } of mesh.objects("WorkloadEntry")) namespaces.add(metadata.namespace);
  for (const namespace of [...namespaces].sort()) yield* mesh.bucket("workloads", namespace) ?? [];
}

/** Replicas of one workload are looked at once. */
export function groupAlike(nodes: readonly ProxyNode[]): readonly (readonly ProxyNode[])[] {
  const groups = new Map<string, ProxyNode[]>();
  for (const node of nodes) {
    const { type, namespace, labels, serviceAccount, clusterId, network, locality } = node;
    const key = JSON.stringify([type, namespace, labels, serviceAccount, clusterId, network, locality]);
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return [...groups.values()];
}
