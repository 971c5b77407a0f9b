import type { Mesh } from "@fairlead/mesh";
import { type NodeJson, type ProxyNode, parseNode } from "@fairlead/model";
import { createMeshSource, type MeshSource, type MeshSourceOptions } from "@fairlead/xds";
import type { NodeResources } from "@fairlead/xds/server";

interface Open {
  readonly node: ProxyNode | undefined;
  /** Gives the node what the source has for it, in the place of what another gave. */
  move(to: MeshSource): void;
}

/**
 * Two meshes served at once: what everybody has, and a candidate for some. A node that is moved from one to the other is sent the
 * difference, make before break, on the stream that it has.
 */
export interface RolloutSource extends MeshSource {
  /** Serves another mesh to those for whom `isMeant` holds, at first nobody. */
  begin(candidate: Mesh): void;
  /** The candidate as it is now. Without one this does nothing. */
  updateCandidate(mesh: Mesh): void;
  /** Who gets the candidate, of those who are there and those who come. */
  assign(isMeant: (node: ProxyNode) => boolean): void;
  /** Everybody gets the candidate, and there is none any more. */
  promote(): void;
  /** Nobody gets the candidate, and there is none any more. */
  abandon(): void;
  /** The mesh that a node is served from. */
  meshOf(node: ProxyNode): Mesh;
  /** Whether the node of an open stream has the candidate. */
  hasCandidate(node: NodeJson): boolean;
}

export function createRolloutSource(mesh: Mesh, options: MeshSourceOptions): RolloutSource {
  let stable = createMeshSource(mesh, options);
  let candidate: MeshSource | undefined;
  let isMeant: (node: ProxyNode) => boolean = () => false;
  const open = new Map<NodeJson, Open>();
  const sources = () => (candidate ? [stable, candidate] : [stable]);
  const sourceOf = (node: ProxyNode | undefined) => (candidate && node && isMeant(node) ? candidate : stable);
  const place = () => {
    for (const one of open.values()) one.move(sourceOf(one.node));
  };
  return {
    get mesh() {
      return stable.mesh;
    },
    get statistics() {
      const all = sources().map(({ statistics }) => statistics);
      return {
        computations: all.reduce((sum, { computations }) => sum + computations, 0),
        values: all.reduce((sum, { values }) => sum + values, 0),
      };
    },
    update: (next) => stable.update(next),
    updateCandidate: (next) => candidate?.update(next),
    wake() {
      for (const source of sources()) source.wake();
    },
    diagnostics: () => sources().flatMap((source) => [...source.diagnostics()]),
    *nodes() {
      for (const source of sources()) yield* source.nodes();
    },
    begin(next) {
      if (candidate) this.abandon();
      isMeant = () => false;
      candidate = createMeshSource(next, options);
    },
    assign(meant) {
      isMeant = meant;
      place();
    },
    promote() {
      if (!candidate) return;
      const promoted = candidate;
      for (const one of open.values()) one.move(promoted);
      [stable, candidate] = [promoted, undefined];
    },
    abandon() {
      isMeant = () => false;
      place();
      candidate = undefined;
    },
    meshOf: (node) => sourceOf(node).mesh,
    hasCandidate: (json) => candidate !== undefined && sourceOf(open.get(json)?.node) === candidate,
    open(json: NodeJson, peer, changed) {
      const { node } = parseNode(json);
      let from = sourceOf(node);
      let resources: NodeResources = from.open(json, peer, changed);
      const entry: Open = {
        node,
        move(to) {
          if (to === from) return;
          const before = resources;
          from = to;
          resources = to.open(json, peer, changed);
          before.close();
          changed();
        },
      };
      open.set(json, entry);
      return {
        get: (typeUrl) => resources.get(typeUrl),
        close() {
          open.delete(json);
          resources.close();
        },
      };
    },
  };
}
