import { createHash } from "node:crypto";
import { Derivations, type Hold, type Mesh, type Query, type Reader } from "@fairlead/mesh";
import { type Diagnostic, type NodeJson, objectKey, type ProxyNode, parseNode } from "@fairlead/model";
import { type EncodedResource, encodeGenerated } from "./encoded-resource.ts";
import {
  AUTHORIZATION_TYPE,
  CLUSTER_TYPE,
  ENDPOINT_TYPE,
  EXTENSION_CONFIG_TYPE,
  LISTENER_TYPE,
  NAME_TABLE_TYPE,
  ROUTE_TYPE,
} from "./resource-type.ts";
import type { Peer } from "./server/peer.ts";
import type { NodeResources, ResourceSet, ResourceSource } from "./server/source.ts";
import { GENERATORS, type GeneratorName } from "./translate/generators.ts";
import { hasPatches, unmatchedPatches } from "./translate/patch/unmatched.ts";
import { distinct, generateUnit, nodeDiagnostics } from "./translate/translate.ts";
import { XdsError } from "./xds-error.ts";

const TYPE_URLS: Readonly<Record<GeneratorName, string>> = {
  clusters: CLUSTER_TYPE,
  endpoints: ENDPOINT_TYPE,
  extensions: EXTENSION_CONFIG_TYPE,
  listeners: LISTENER_TYPE,
  routes: ROUTE_TYPE,
  authorizations: AUTHORIZATION_TYPE,
  nameTables: NAME_TABLE_TYPE,
};

const BY_TYPE_URL = new Map((Object.keys(GENERATORS) as GeneratorName[]).map((type) => [TYPE_URLS[type], type]));

interface EncodedUnit {
  readonly resources: readonly EncodedResource[];
  /** The patches that had an effect. */
  readonly patches: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

interface EncodedSet extends ResourceSet {
  readonly diagnostics: readonly Diagnostic[];
  /** As of {@link EncodedUnit}. */
  readonly patches: ReadonlySet<string>;
}

const texts = new WeakMap<EncodedResource, string>();

/** A resource as text: its name, its content, and the objects that a rejection of it would be put down to. */
function textOf(resource: EncodedResource): string {
  let text = texts.get(resource);
  if (text === undefined) {
    text = `${resource.name}\u0000${resource.version}\u0000${resource.sources.map(objectKey).join("\u0000")}\u0001`;
    texts.set(resource, text);
  }
  return text;
}

const sameResource = (a: EncodedResource, b: EncodedResource | undefined) =>
  a === b || (b !== undefined && textOf(a) === textOf(b));

/** A unit of generation, translated and encoded; the plain form is not kept. */
const encodedUnit: Query<{ readonly type: GeneratorName; readonly unit: string }, EncodedUnit> = {
  name: "encoded-unit",
  key: ({ type, unit }) => `${type} ${unit}`,
  compute(read, { type, unit }, previous) {
    const made = generateUnit(read, type, unit);
    // The last good resources stay in force.
    if ("code" in made)
      return { resources: previous?.resources ?? [], patches: previous?.patches ?? [], diagnostics: [made] };
    const diagnostics = made.flatMap((resource) => [...resource.diagnostics]);
    const resources = made.flatMap((generated) => {
      const { name, sources } = generated;
      try {
        return [encodeGenerated(TYPE_URLS[type], generated)];
      } catch (error) {
        // One resource that cannot be written hurts no other.
        const message = `${type} resource ${name} cannot be encoded: ${error instanceof Error ? error.message : String(error)}`;
        diagnostics.push({
          code: "encoding-failed",
          severity: "error",
          path: "",
          message,
          ...(sources[0] ? { object: sources[0] } : {}),
        });
        return [];
      }
    });
    return { resources, patches: made.flatMap(({ patches = [] }) => patches), diagnostics };
  },
  equal: (a, b) =>
    a.resources.length === b.resources.length &&
    a.diagnostics.length === b.diagnostics.length &&
    a.patches.join() === b.patches.join() &&
    a.resources.every((resource, index) => sameResource(resource, b.resources[index])) &&
    a.diagnostics.every((diagnostic, index) => JSON.stringify(diagnostic) === JSON.stringify(b.diagnostics[index])),
};

const encodedSet: Query<GeneratorName, EncodedSet> = {
  name: "encoded-set",
  key: (type) => type,
  compute(read, type, previous) {
    const resources = new Map<string, EncodedResource>();
    const diagnostics: Diagnostic[] = [];
    let units: readonly string[];
    try {
      units = GENERATORS[type].units(read);
    } catch (error) {
      const message = `${type} cannot be made: ${error instanceof Error ? error.message : String(error)}`;
      return {
        resources: previous?.resources ?? resources,
        patches: previous?.patches ?? new Set(),
        diagnostics: [{ code: "translation-failed", severity: "error", path: "", message }],
      };
    }
    const patches = new Set<string>();
    for (const unit of units) {
      const made = read.ask(encodedUnit, { type, unit });
      diagnostics.push(...made.diagnostics);
      for (const patch of made.patches) patches.add(patch);
      for (const resource of made.resources) if (!resources.has(resource.name)) resources.set(resource.name, resource);
    }
    diagnostics.push(...read.ask(nodeDiagnostics, type));
    if (hasPatches(read, type)) {
      // Routes of inbound listeners are in the listeners.
      const inListeners = type === "routes" ? read.ask(encodedSet, "listeners").patches : [];
      diagnostics.push(...unmatchedPatches(read, type, new Set([...patches, ...inListeners])));
    }
    return { resources, patches, diagnostics: distinct(diagnostics) };
  },
  // Proxies of whatever kind that are sent the same share one object, and with it diffs and encoded responses.
  identify({ resources, diagnostics, patches }) {
    const hash = createHash("sha256");
    for (const resource of resources.values()) hash.update(textOf(resource));
    for (const diagnostic of diagnostics) hash.update(JSON.stringify(diagnostic));
    for (const patch of patches) hash.update(patch);
    return hash.digest("base64");
  },
};

interface OpenNode {
  readonly node: ProxyNode;
  /** By generator, or by type URL of what {@link MeshSourceOptions.extra} gives. */
  readonly holds: Map<string, Hold>;
  readonly changed: () => void;
  readonly diagnostics: Map<GeneratorName, readonly Diagnostic[]>;
}

/**
 * Resources of a mesh for a discovery server. What is made is kept and shared by all nodes for which nothing that it
 * reads differs; after {@link update} only what read something that changed is made again.
 */
export interface MeshSource extends ResourceSource {
  readonly mesh: Mesh;
  /** Moves to a newer mesh and wakes every open stream. */
  update(mesh: Mesh): void;
  /** Tells every open stream to look again: something besides the mesh has changed. */
  wake(): void;
  /** What translation has to say about the resources that open streams asked for, each once. */
  diagnostics(): readonly Diagnostic[];
  /** The nodes of open streams. */
  nodes(): Iterable<ProxyNode>;
  /** `computations` so far, and how many derived `values` are held. */
  readonly statistics: { readonly computations: number; readonly values: number };
}

export interface MeshSourceOptions {
  /**
   * Resources of further types (secrets) for one node; undefined for types that are unknown. `ask` derives from the mesh
   * for this node. Call {@link MeshSource.wake} when they change without the mesh.
   */
  readonly extra?: (node: ProxyNode, typeUrl: string, ask: Reader["ask"]) => ResourceSet | undefined;
}

export function createMeshSource(mesh: Mesh, options: MeshSourceOptions = {}): MeshSource {
  const derivations = new Derivations(mesh);
  const open = new Set<OpenNode>();
  let heldAtCollection = 0;

  const collect = () => {
    derivations.collect([...open].flatMap(({ holds }) => [...holds.values()]));
    heldAtCollection = derivations.statistics.values;
  };
  // Streams that end and meshes that pass leave values behind; they are dropped once they are as many as those in use.
  const collectIfDue = () => {
    if (derivations.statistics.values > 1000 + 2 * heldAtCollection) collect();
  };

  return {
    get mesh() {
      return derivations.mesh;
    },
    get statistics() {
      return derivations.statistics;
    },
    update(next) {
      derivations.advance(next);
      this.wake();
      collectIfDue();
    },
    wake() {
      for (const { changed } of open) changed();
    },
    diagnostics() {
      return distinct([...new Set([...open].flatMap((one) => [...one.diagnostics.values()]))].flat());
    },
    *nodes() {
      for (const { node } of open) yield node;
    },
    open(json: NodeJson, _peer: Peer, changed: () => void): NodeResources {
      const { node, diagnostics } = parseNode(json);
      if (!node)
        throw new XdsError("invalid-value", diagnostics.map(({ path, message }) => `${path}: ${message}`).join("; "), {
          path: "node",
        });
      const entry: OpenNode = { node, holds: new Map(), changed, diagnostics: new Map() };
      open.add(entry);
      return {
        get(typeUrl) {
          const type = BY_TYPE_URL.get(typeUrl);
          const hold: Hold = { cells: new Set() };
          if (!type) {
            const made = options.extra?.(node, typeUrl, (query, argument) =>
              derivations.ask(query, argument, node, hold),
            );
            if (hold.cells.size > 0) entry.holds.set(typeUrl, hold);
            return made;
          }
          const set = derivations.ask(encodedSet, type, node, hold);
          entry.holds.set(type, hold);
          entry.diagnostics.set(type, set.diagnostics);
          return set;
        },
        close() {
          open.delete(entry);
          if (open.size === 0) collect();
          else collectIfDue();
        },
      };
    },
  };
}
