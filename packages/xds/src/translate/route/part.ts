import type { Reader } from "@fairlead/mesh";
import { type Diagnostic, type ObjectRef, objectKey } from "@fairlead/model";
import type { Build, Source } from "../generated.ts";

/**
 * A piece of a resource that is derived on its own and shared by all resources it occurs in, with what
 * {@link Build} would have been told while it was made. Immutable: shared pieces are never written to.
 */
export interface Part<V> {
  readonly value: V;
  readonly marks: readonly (readonly [node: object, source: Source])[];
  readonly sources: readonly ObjectRef[];
  readonly diagnostics: readonly Diagnostic[];
  /** Patches of EnvoyFilters that had an effect. */
  readonly patches: readonly Source[];
}

/** Makes a piece and keeps what `make` says of it. */
export function partOf<V>(read: Reader, make: (build: Build) => V): Part<V> {
  const marks: (readonly [object, Source])[] = [];
  const sources = new Map<string, ObjectRef>();
  const diagnostics: Diagnostic[] = [];
  const patches: Source[] = [];
  const seen = new Set<ObjectRef>();
  const uses = (object: ObjectRef) => {
    // The text that tells objects apart costs more than to see that it is the same object again.
    if (seen.has(object)) return;
    seen.add(object);
    const key = objectKey(object);
    if (!sources.has(key)) sources.set(key, object);
  };
  const value = make({
    read,
    traced: true,
    from(node, object, path = "") {
      uses(object);
      marks.push([node, { object, path }]);
      return node;
    },
    uses,
    report: (diagnostic) => void diagnostics.push(diagnostic),
    patched: ({ source, path }) => void patches.push({ object: source, path }),
  });
  return { value, marks, sources: [...sources.values()], diagnostics, patches };
}

/** Takes a piece into what `build` makes. Gives its value back. */
export function include<V>(build: Build, part: Part<V>): V {
  for (const source of part.sources) build.uses(source);
  if (build.traced) for (const [node, source] of part.marks) build.from(node, source.object, source.path);
  for (const diagnostic of part.diagnostics) build.report(diagnostic);
  for (const { object, path } of part.patches) build.patched({ source: object, path });
  return part.value;
}
