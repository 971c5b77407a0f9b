import type { Reader } from "@fairlead/mesh";
import type { Diagnostic } from "@fairlead/model";
import { patchKey } from "../generated.ts";
import { isGateway } from "../listener/node-settings.ts";
import { type Patch, type PatchTarget, patchesOf } from "./patches.ts";

/** What patches of each type of resource apply to. Routes that a listener carries itself are patched with the listener. */
export const PATCH_TARGETS: Readonly<Record<string, readonly PatchTarget[]>> = {
  clusters: ["CLUSTER"],
  listeners: ["LISTENER", "LISTENER_FILTER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER"],
  routes: ["ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"],
};

/** Whether any patch that holds for the node is for resources of the type. */
export function hasPatches(read: Reader, type: string): boolean {
  return patchesOf(read).some(({ target }) => PATCH_TARGETS[type]?.includes(target));
}

/**
 * The patches of a type that hold for the node and changed nothing in all its resources (`applied` has what did). Those of
 * another kind of proxy are no mistake, nor is the removal of a listener or cluster that is not there.
 */
export function unmatchedPatches(read: Reader, type: string, applied: ReadonlySet<string>): readonly Diagnostic[] {
  return patchesOf(read)
    .filter((patch) => PATCH_TARGETS[type]?.includes(patch.target) && isForNode(read, patch))
    .filter(({ target, operation }) => !(WHOLE.has(target) && (operation === "ADD" || operation === "REMOVE")))
    .filter((patch) => !applied.has(patchKey(patch)))
    .map(({ source, path }) => ({
      code: "patch-unmatched",
      severity: "warning",
      object: source,
      path: `${path}.match`,
      message: `nothing of a proxy that it selects matches: the patch changes nothing there`,
    }));
}

const WHOLE: ReadonlySet<PatchTarget> = new Set(["LISTENER", "CLUSTER"]);

function isForNode(read: Reader, { match: { context = "ANY" } }: Patch): boolean {
  return context === "ANY" || (context === "GATEWAY") === isGateway(read);
}
