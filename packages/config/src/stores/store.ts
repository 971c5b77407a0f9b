import { type Collection, type Diagnostic, type ObjectRef, type Position, structurallyEqual } from "@fairlead/model";
import type { ConfigObject } from "../object.ts";

/** A source of configuration: its valid objects by `objectKey`, and what is wrong with the others. */
export interface ConfigStore extends Collection<ConfigObject> {
  /** Everything that is wrong now, with positions where there are any. */
  diagnostics(): readonly Diagnostic[];
  /** Where a field of an object (`spec.http[0]`; empty for the whole) is written; undefined when not in a file. */
  locate(ref: ObjectRef, path: string): Position | undefined;
}

/**
 * Whether two versions of an object mean the same: spec and the metadata that is used. A new resource version, a status
 * write or another served API version changes nothing; a ServiceEntry's status counts, it carries allocated addresses.
 */
export function sameMeaning(a: ConfigObject, b: ConfigObject): boolean {
  if (a === b) return true;
  return (
    a.kind === b.kind &&
    a.metadata.name === b.metadata.name &&
    a.metadata.namespace === b.metadata.namespace &&
    a.metadata.creationTimestamp === b.metadata.creationTimestamp &&
    structurallyEqual(a.metadata.labels, b.metadata.labels) &&
    structurallyEqual(a.metadata.annotations, b.metadata.annotations) &&
    structurallyEqual(a.spec, b.spec) &&
    (a.kind !== "ServiceEntry" || structurallyEqual(a.status, b.status))
  );
}
