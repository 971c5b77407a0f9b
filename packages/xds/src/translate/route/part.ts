import type { Reader } from "@fairlead/mesh";
import type { Diagnostic, ObjectRef } from "@fairlead/model";
import type { Build, Source } from "../generated.ts";
import { SourceSet } from "../source-set.ts";

/**
 * A piece of a resource that is derived on its own and shared by all resources it occurs in, with what
 * {@link Build} would have been told while it was made. Immutable: shared pieces are never written to.
 */
export interface Part<V> {
  readonly value: V;
  /** Empty where nobody asks: see `DerivationOptions.traced`. */
  readonly marks: readonly (readonly [node: object, source: Source])[];
  readonly sources: readonly ObjectRef[];
  readonly diagnostics: readonly Diagnostic[];
  /** Patches of EnvoyFilters that had an effect. */
  readonly patches: readonly Source[];
}

/** Makes a piece and keeps what `make` says of it. */
export function partOf<V>(read: Reader, make: (build: Build) => V): Part<V> {
  const record = new PartRecorder(read);
  const value = make(record);
  const { marks, sources, diagnostics, patches } = record;
  return { value, marks, sources: sources.list, diagnostics, patches };
}

class PartRecorder implements Build {
  readonly read: Reader;
  readonly traced: boolean;
  readonly marks: (readonly [object, Source])[] = [];
  readonly sources = new SourceSet();
  readonly diagnostics: Diagnostic[] = [];
  readonly patches: Source[] = [];

  constructor(read: Reader) {
    this.read = read;
    this.traced = read.traced;
  }

  from<N extends object>(node: N, object: ObjectRef, path = ""): N {
    this.sources.add(object);
    if (this.traced) this.marks.push([node, { object, path }]);
    return node;
  }

  uses(object: ObjectRef): void {
    this.sources.add(object);
  }

  report(diagnostic: Diagnostic): void {
    this.diagnostics.push(diagnostic);
  }

  patched({ source, path }: { readonly source: ObjectRef; readonly path: string }): void {
    this.patches.push({ object: source, path });
  }
}

/** Takes a piece into what `build` makes. Gives its value back. */
export function include<V>(build: Build, part: Part<V>): V {
  for (const source of part.sources) build.uses(source);
  if (build.traced) for (const [node, source] of part.marks) build.from(node, source.object, source.path);
  for (const diagnostic of part.diagnostics) build.report(diagnostic);
  for (const { object, path } of part.patches) build.patched({ source: object, path });
  return part.value;
}
