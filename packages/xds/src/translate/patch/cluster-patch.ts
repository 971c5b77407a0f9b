import type { Reader } from "@fairlead/mesh";
import { objectKey } from "@fairlead/model";
import type { AnyMessage, Cluster } from "../../proto/types.ts";
import { type Generated, generated, type Provenance, patchKey } from "../generated.ts";
import { parseClusterName } from "../names.ts";
import { patchValue } from "./list-patch.ts";
import { keepSource, mergeMessage, mergeTyped } from "./merge.ts";
import { inContext, type Patch, type PatchContext, patchesOf } from "./patches.ts";

const CLUSTER = "envoy.config.cluster.v3.Cluster";

/**
 * Clusters with the EnvoyFilter patches that match them; those that a patch removes are left out. `hosts`: the host names
 * that inbound clusters stand for, which have none in their name.
 */
export function patchedClusters(
  read: Reader,
  clusters: readonly Generated<Cluster>[],
  context: PatchContext,
  provenance?: Provenance,
  hosts: readonly string[] = [],
): readonly Generated<Cluster>[] {
  const patches = clusterPatches(read).filter((patch) => patch.operation !== "ADD" && inContext(patch, context));
  if (patches.length === 0) return clusters;
  return clusters.flatMap((made): Generated<Cluster>[] => {
    let { resource } = made;
    const used: Patch[] = [];
    for (const patch of patches) {
      if (!clusterMatches(resource, patch, hosts)) continue;
      used.push(patch);
      if (patch.operation === "REMOVE") return [];
      if (patch.operation !== "MERGE" && patch.operation !== "MERGE_AND_REPLACE_LIST") continue;
      const merged = mergedCluster(resource, patch);
      keepSource(provenance, resource, merged);
      resource = merged;
    }
    if (used.length === 0) return [made];
    const sources = new Map(
      [...made.sources, ...used.map(({ source }) => source)].map((source) => [objectKey(source), source]),
    );
    return [
      { ...made, resource, sources: [...sources.values()], patches: [...(made.patches ?? []), ...used.map(patchKey)] },
    ];
  });
}

function clusterPatches(read: Reader): readonly Patch[] {
  return patchesOf(read).filter(
    ({ target, match }) =>
      target === "CLUSTER" && match.listener === undefined && match.routeConfiguration === undefined,
  );
}

/** Clusters that patches add. One that names no context is added once for a proxy: to what goes out. */
export function addedClusters(
  read: Reader,
  contexts: readonly PatchContext[],
  provenance?: Provenance,
): readonly Generated<Cluster>[] {
  return clusterPatches(read)
    .filter(
      ({ operation, match, value }) =>
        operation === "ADD" &&
        Boolean(value.name) &&
        (!match.context || match.context === "ANY" || contexts.some((context) => context === match.context)),
    )
    .map((patch) =>
      generated(read, String(patch.value.name), (build) => patchValue<Cluster>(build, patch), provenance),
    );
}

function clusterMatches(cluster: Cluster, { match }: Patch, hosts: readonly string[]): boolean {
  const wanted = match.cluster;
  if (!wanted) return true;
  if (wanted.name) return wanted.name === cluster.name;
  const parts = parseClusterName(cluster.name ?? "");
  const names = parts?.direction === "inbound" ? hosts : [parts?.host ?? ""];
  return (
    (!wanted.subset || wanted.subset === parts?.subset) &&
    (!wanted.service || names.includes(wanted.service)) &&
    (!wanted.portNumber || wanted.portNumber === parts?.port)
  );
}

type Socket = { name?: string; typedConfig?: AnyMessage };

/**
 * A transport socket in the patch is merged into the one of the same name, in `transportSocketMatches` first; then
 * nothing else of the patch counts. Source: Istio `envoyfilter.ApplyClusterMerge`.
 */
function mergedCluster(cluster: Cluster, patch: Patch): Cluster {
  const other = patch.value.transportSocket as Socket | undefined;
  if (!other) return mergeMessage(CLUSTER, cluster, patch.value, patch.operation === "MERGE_AND_REPLACE_LIST");
  const within = (socket: Socket): Socket => {
    const typedConfig = socket.typedConfig && other.typedConfig && mergeTyped(socket.typedConfig, other.typedConfig);
    return typedConfig ? { ...socket, typedConfig } : socket;
  };
  const matches = cluster.transportSocketMatches;
  if (matches && matches.length > 0) {
    const index = matches.findIndex(({ transportSocket }) => transportSocket?.name === other.name);
    return {
      ...cluster,
      transportSocketMatches: matches.map((match, at) =>
        at === index && match.transportSocket ? { ...match, transportSocket: within(match.transportSocket) } : match,
      ),
    };
  }
  const own = cluster.transportSocket;
  return { ...cluster, transportSocket: own?.name === other.name && own ? within(own) : structuredClone(other) };
}
