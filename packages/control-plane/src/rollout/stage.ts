import { shardOf } from "@fairlead/mesh";
import { type Labels, matchesLabels, type ProxyNode } from "@fairlead/model";

/** Which proxies are given a new configuration next: those for which all that is said here holds. */
export interface RolloutStage {
  /** So many of a hundred, by their node id: the same ones each time, and with more of them those before. */
  readonly percent?: number;
  /** Labels of their workloads. */
  readonly labels?: Labels;
  readonly namespaces?: readonly string[];
  /** Milliseconds that all of them must have had it before it goes on. Default 0. */
  readonly soak?: number;
}

export function isOfStage({ percent, labels, namespaces }: RolloutStage, node: ProxyNode): boolean {
  return (
    (percent === undefined || (shardOf(node.id) / 256) * 100 < percent) &&
    (labels === undefined || matchesLabels(labels, node.labels)) &&
    (namespaces === undefined || namespaces.includes(node.namespace))
  );
}
