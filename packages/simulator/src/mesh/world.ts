import { Derivations, type Mesh, type Query } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import { GENERATORS, type Generated, type GeneratorName, generateUnit, type Provenance } from "@fairlead/xds/translate";
import type { Resources } from "../resources.ts";

/** What one proxy of a mesh is sent, and where it came from. Each type is made when it is asked for. */
export interface World {
  readonly resources: Resources;
  /** Shared by all proxies of the mesh. */
  readonly provenance: Provenance;
}

/** What is made once for a mesh: proxies that read the same share it. */
interface Known {
  readonly derivations: Derivations;
  readonly provenance: Provenance;
  readonly unit: Query<Unit, readonly Generated[]>;
  readonly byNode: WeakMap<ProxyNode, World>;
  /** Equal nodes have one world. */
  readonly byContent: Map<string, World>;
}

interface Unit {
  readonly type: GeneratorName;
  readonly name: string;
}

const worlds = new WeakMap<Mesh, Known>();

/** The world of a proxy; made once for a mesh and node. */
export function worldOf(mesh: Mesh, node: ProxyNode): World {
  let known = worlds.get(mesh);
  if (known === undefined) {
    known = knownOf(mesh);
    worlds.set(mesh, known);
  }
  let world = known.byNode.get(node);
  if (world === undefined) {
    const content = JSON.stringify(node);
    world = known.byContent.get(content) ?? makeWorld(known, node);
    known.byContent.set(content, world);
    known.byNode.set(node, world);
  }
  return world;
}

function knownOf(mesh: Mesh): Known {
  const provenance: Provenance = new WeakMap();
  const unit: Known["unit"] = {
    name: "simulated-unit",
    key: ({ type, name }) => `${type} ${name}`,
    compute: (read, { type, name }) => {
      const made = generateUnit(read, type, name, provenance);
      return "code" in made ? [] : made;
    },
  };
  const derivations = new Derivations(mesh, { traced: true });
  return { derivations, provenance, unit, byNode: new WeakMap(), byContent: new Map() };
}

const units: Query<GeneratorName, readonly string[]> = {
  name: "simulated-units",
  key: (type) => type,
  compute: (read, type) => GENERATORS[type].units(read),
};

const byName = (a: Generated, b: Generated) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

function makeWorld({ derivations, provenance, unit }: Known, node: ProxyNode): World {
  const made = new Map<GeneratorName, readonly object[]>();
  const plain = <R>(type: GeneratorName): readonly R[] => {
    let resources = made.get(type);
    if (resources === undefined) {
      resources = derivations
        .ask(units, type, node)
        .flatMap((name) => [...derivations.ask(unit, { type, name }, node)])
        .sort(byName)
        .map(({ resource }) => resource);
      made.set(type, resources);
    }
    return resources as readonly R[];
  };
  const resources: Resources = {
    get listeners() {
      return plain<Resources["listeners"][number]>("listeners");
    },
    get routes() {
      return plain<NonNullable<Resources["routes"]>[number]>("routes");
    },
    get clusters() {
      return plain<NonNullable<Resources["clusters"]>[number]>("clusters");
    },
    get endpoints() {
      return plain<NonNullable<Resources["endpoints"]>[number]>("endpoints");
    },
  };
  return { resources, provenance };
}
