import { Derivations, type Mesh, type Query, type Reader } from "@fairlead/mesh";
import { type Diagnostic, objectKey, type ProxyNode, structurallyEqual } from "@fairlead/model";
import type { Generated, Generator, Provenance } from "./generated.ts";
import { GENERATORS, type GeneratorName } from "./generators.ts";
import { PATCH_TARGETS, unmatchedPatches } from "./patch/unmatched.ts";

/** Everything that a proxy is sent, each list sorted by name. */
export type Translation = { readonly [T in GeneratorName]: readonly Generated[] } & {
  readonly diagnostics: readonly Diagnostic[];
};

/** The units of a type, tracked. */
const unitsOf: Query<GeneratorName, readonly string[]> = {
  name: "units",
  key: (type) => type,
  compute: (read, type) => GENERATORS[type].units(read),
  equal: (a, b) => a.length === b.length && a.every((unit, index) => unit === b[index]),
};

/** A failed unit hurts nothing but itself: it has no resources and says why. */
export function generateUnit(
  read: Reader,
  type: GeneratorName,
  unit: string,
  provenance?: Provenance,
): readonly Generated[] | Diagnostic {
  try {
    const generator: Generator = GENERATORS[type];
    return generator.generate(read, unit, provenance);
  } catch (error) {
    const message = `${type} of ${unit} could not be made: ${error instanceof Error ? error.message : String(error)}`;
    return { code: "translation-failed", severity: "error", path: "", message };
  }
}

/** What a generator says of the node as a whole. */
export const nodeDiagnostics: Query<GeneratorName, readonly Diagnostic[]> = {
  name: "node-diagnostics",
  key: (type) => type,
  compute(read, type) {
    const generator: Generator = GENERATORS[type];
    try {
      return generator.diagnostics?.(read) ?? [];
    } catch (error) {
      const message = `what is wrong with ${type} could not be told: ${error instanceof Error ? error.message : String(error)}`;
      return [{ code: "translation-failed", severity: "error", path: "", message }];
    }
  },
  equal: structurallyEqual,
};

/** Each once, where several resources say the same of one field. */
export function distinct(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const told = new Map<string, Diagnostic>();
  for (const diagnostic of diagnostics) {
    const { code, path, message, object } = diagnostic;
    const key = [object ? objectKey(object) : "", path, code, message].join("\u0000");
    if (!told.has(key)) told.set(key, diagnostic);
  }
  return [...told.values()];
}

const byName = (a: Generated, b: Generated) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/**
 * Translates a mesh for one proxy: pure, the same result for the same mesh and node. For many proxies or a mesh that
 * changes, use `createMeshSource` of the server side, which shares and updates what is made.
 */
export function translate(mesh: Mesh, node: ProxyNode, provenance?: Provenance): Translation {
  const derivations = new Derivations(mesh, { traced: provenance !== undefined });
  const diagnostics: Diagnostic[] = [];
  const make = (type: GeneratorName): readonly Generated[] => {
    const whole: Query<void, readonly Generated[]> = {
      name: type,
      key: () => "",
      compute: (read) =>
        read.ask(unitsOf, type).flatMap((unit) => {
          const made = generateUnit(read, type, unit, provenance);
          if ("code" in made) diagnostics.push(made);
          return "code" in made ? [] : made;
        }),
    };
    const resources = [...derivations.ask(whole, undefined, node)].sort(byName);
    for (const resource of resources) diagnostics.push(...resource.diagnostics);
    const { diagnostics: ofNode }: Generator = GENERATORS[type];
    if (ofNode) diagnostics.push(...derivations.ask(nodeDiagnostics, type, node));
    return resources;
  };
  const unmatched: Query<ReadonlySet<string>, readonly Diagnostic[]> = {
    name: "unmatched-patches",
    key: () => "",
    compute: (read, applied) => Object.keys(PATCH_TARGETS).flatMap((type) => unmatchedPatches(read, type, applied)),
  };
  const made = Object.fromEntries((Object.keys(GENERATORS) as GeneratorName[]).map((type) => [type, make(type)]));
  const applied = new Set(Object.values(made).flatMap((list) => list.flatMap(({ patches = [] }) => patches)));
  diagnostics.push(...derivations.ask(unmatched, applied, node));
  return { ...(made as { [T in GeneratorName]: readonly Generated[] }), diagnostics: distinct(diagnostics) };
}
