import type { Mesh } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import { type Generated, type Provenance, translate } from "@fairlead/xds/translate";
import type { Resources } from "../resources.ts";

/** What one proxy of a mesh is sent, and where it came from. */
export interface World {
  readonly resources: Resources;
  readonly provenance: Provenance;
}

const worlds = new WeakMap<Mesh, Map<string, World>>();
const keys = new WeakMap<ProxyNode, string>();

/** The world of a proxy; made once for a mesh and node. */
export function worldOf(mesh: Mesh, node: ProxyNode): World {
  let byNode = worlds.get(mesh);
  if (byNode === undefined) {
    byNode = new Map();
    worlds.set(mesh, byNode);
  }
  let key = keys.get(node);
  if (key === undefined) {
    key = JSON.stringify(node);
    keys.set(node, key);
  }
  let world = byNode.get(key);
  if (world === undefined) {
    const provenance: Provenance = new WeakMap();
    const { listeners, routes, clusters, endpoints } = translate(mesh, node, provenance);
    const plain = <R>(generated: readonly Generated[]) => generated.map(({ resource }) => resource as R);
    const resources: Resources = {
      listeners: plain(listeners),
      routes: plain(routes),
      clusters: plain(clusters),
      endpoints: plain(endpoints),
    };
    world = { resources, provenance };
    byNode.set(key, world);
  }
  return world;
}
