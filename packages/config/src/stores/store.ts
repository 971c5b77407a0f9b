import { type Collection, type Diagnostic, type ObjectRef, type Position, structurallyEqual } from "@fairlead/model";
import type { ConfigObject } from "../object.ts";

/** A source of configuration: its valid objects by `objectKey`, and what is wrong with the others. */
export interface ConfigStore extends Collection<ConfigObject> {
  /** Everything that is wrong now, with positions where there are any. */
  diagnostics(): readonly Diagnostic[];
  /** Where a field of an object (`spec.http[0]`; empty for the whole) is written; undefined when not in a file. */
  locate(ref: ObjectRef, path: string): Position | undefined;
}

/** An object as it was last written, and the revision to expect when it is written again. */
export interface StoredObject {
  /** With its newest status, resource version and generation, which the object in force need not have. */
  readonly object: ConfigObject;
  /** Opaque: compare for equality only, within one store. Whether a status alone makes a new one is the store's matter. */
  readonly revision: string;
}

/**
 * One write. `expect` is the revision that the object must still have, or null where it must not exist; without it, the
 * write goes over whatever there is. A `put` leaves the status as it is, a `status` leaves the rest.
 */
export type StoreEdit =
  | { readonly put: ConfigObject; readonly expect?: string | null }
  | { readonly delete: ObjectRef; readonly expect?: string }
  | { readonly status: ObjectRef; readonly value: unknown; readonly expect?: string };

/** A store that can be written. */
export interface WritableStore extends ConfigStore {
  /** What was last written under this name; undefined when there is nothing. */
  stored(ref: ObjectRef): StoredObject | undefined;
  /**
   * Writes all edits or none, one after the other; listeners see one batch. Resolves, when they are readable here, with
   * warnings about the objects. Rejects with ConfigError, naming every object concerned: `CONFLICT` where an expectation
   * is not met, `NOT_FOUND` for a status without an object, `INVALID_OBJECT` (with `diagnostics`) where an object has
   * errors, `REFUSED` where the store's server does not take it, `UNSUPPORTED` for what this store cannot do, `UNAVAILABLE`
   * when its server cannot be reached.
   */
  transact(edits: readonly StoreEdit[]): Promise<readonly Diagnostic[]>;
}

/** Whether a store can be written. */
export function isWritable(store: ConfigStore): store is WritableStore {
  return "transact" in store;
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
