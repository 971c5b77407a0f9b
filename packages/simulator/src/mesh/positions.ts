import type { Mesh } from "@fairlead/mesh";
import { formatObject, type ObjectRef, type Position } from "@fairlead/model";
import type { Provenance } from "@fairlead/xds/translate";
import type { TraceSource } from "../trace.ts";

/** Where a field of an object (`spec.http[0]`; empty for the whole) is written; undefined when that is not known. */
export type Locate = (ref: ObjectRef, path: string) => Position | undefined;

const known = new WeakMap<Mesh, Locate>();

/** Meshes that were read from texts know their positions. */
export function rememberPositions(mesh: Mesh, locate: Locate): void {
  known.set(mesh, locate);
}

export function positionsOf(mesh: Mesh): Locate | undefined {
  return known.get(mesh);
}

/** Finds the source of a node of a resource. */
export function sourceFinder(
  provenance: Provenance,
  locate: Locate | undefined,
): (node: object) => TraceSource | undefined {
  return (node) => {
    const source = provenance.get(node);
    if (source === undefined) return undefined;
    const position = locate?.(source.object, source.path);
    return {
      ...(position && { file: position.file, line: position.line, column: position.column }),
      object: formatObject(source.object),
      path: source.path,
    };
  };
}
