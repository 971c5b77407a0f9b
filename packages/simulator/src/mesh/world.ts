import type { Mesh } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import { type Generated, type Provenance, translate } from "@fairlead/xds/translate";
import type { Resources } from "../resources.ts";

/** What one proxy of a mesh is sent, and where it came from. */
export interface World {
  readonly resources: Resources;
  readonly provenance: Provenance;
}

interface Known {
  readonly byNode: WeakMap<ProxyNode, World>;
  /** Equal nodes have one world. */
  readonly byContent: Map<string, World>;
}

const worlds = new WeakMap<Mesh, Known>();

/** The world of a proxy; made once for a mesh and node. */
export function worldOf(mesh: Mesh, node: ProxyNode): World {
  let known = worlds.get(mesh);
  if (known === undefined) {
    known = { byNode: new WeakMap(), byContent: new Map() };
    worlds.set(mesh, known);
  }
  let world = known.byNode.get(node);
  if (world === undefined) {
    const content = JSON.stringify(node);
    world = known.byContent.get(content) ?? makeWorld(mesh, node);
    known.byContent.set(content, world);
    known.byNode.set(node, world);
  }
  return world;
}

function makeWorld(mesh: Mesh, node: ProxyNode): World {
  const provenance: Provenance = new WeakMap();
  const { listeners, routes, clusters, endpoints } = translate(mesh, node, provenance);
  const plain = <R>(generated: readonly Generated[]) => generated.map(({ resource }) => resource as R);
  const resources: Resources = {
    listeners: plain(listeners),
    routes: plain(routes),
    clusters: plain(clusters),
    endpoints: plain(endpoints),
  };
  return { resources, provenance };
}
