import type { Mesh } from "@fairlead/mesh";
import type { RbacRules } from "../envoy.ts";
import { policiesOf } from "../listener/compiled-chain.ts";
import { worldOf } from "../mesh/world.ts";
import { allNodes, groupAlike } from "./proxies.ts";
import { same } from "./same.ts";

type Policy = NonNullable<RbacRules["policies"]>[string];

/** The policies, old and new, of proxies that let other requests in than before: their callers ask for what these name. */
export function changedPolicies(before: Mesh, after: Mesh): readonly Policy[] {
  const inbound = (mesh: Mesh, node: Parameters<typeof worldOf>[1]) =>
    worldOf(mesh, node).resources.listeners.find(({ name }) => name === "virtualInbound");
  return groupAlike(allNodes(before, after)).flatMap(([node]) => {
    if (node === undefined) return [];
    const [old, now] = [inbound(before, node), inbound(after, node)];
    if (same(old, now)) return [];
    return [...(old?.filterChains ?? []), ...(now?.filterChains ?? [])]
      .flatMap(policiesOf)
      .flatMap(({ rules }) => Object.values(rules?.policies ?? {}));
  });
}
