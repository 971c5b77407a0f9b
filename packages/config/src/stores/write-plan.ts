import { type Diagnostic, formatDiagnostic, type ObjectRef, objectKey, structurallyEqual } from "@fairlead/model";
import { ConfigError } from "../common/config-error.ts";
import { type ConfigObject, refOf } from "../object.ts";
import { validateObject } from "../validation/validate.ts";
import type { StoredObject, StoreEdit } from "./store.ts";

/** What a transaction does to one object. `after` is undefined where the object goes. */
export interface PlannedWrite {
  readonly ref: ObjectRef;
  readonly key: string;
  readonly before: StoredObject | undefined;
  readonly after: ConfigObject | undefined;
}

export interface WritePlan {
  /** One for each object, in the order in which they were first named; what changes nothing is in it too. */
  readonly writes: readonly PlannedWrite[];
  readonly warnings: readonly Diagnostic[];
}

/**
 * What the edits come to, given what is stored. Throws what {@link WritableStore.transact} rejects with; expectations are
 * about what is stored before the transaction, whatever its earlier edits do.
 */
export function planWrites(
  edits: readonly StoreEdit[],
  stored: (ref: ObjectRef) => StoredObject | undefined,
): WritePlan {
  const writes = new Map<string, PlannedWrite>();
  const found: Diagnostic[] = [];
  const conflicts: string[] = [];
  const missing: string[] = [];
  for (const edit of edits) {
    const ref = refOfEdit(edit);
    const key = objectKey(ref);
    const planned = writes.get(key);
    const before = planned ? planned.before : stored(ref);
    const current = planned ? planned.after : before?.object;
    const conflict = conflictOf(edit.expect, before);
    if (conflict) conflicts.push(`${named(ref)} ${conflict}`);
    if ("status" in edit && current === undefined) missing.push(named(ref));
    if ("put" in edit) found.push(...validateObject(edit.put));
    writes.set(key, { ref, key, before, after: applied(edit, current) });
  }
  if (conflicts.length > 0) throw new ConfigError("CONFLICT", conflicts.join("; "));
  if (missing.length > 0) throw new ConfigError("NOT_FOUND", `there is no ${missing.join(", no ")}`);
  const errors = found.filter(({ severity }) => severity === "error");
  if (errors.length > 0)
    throw new ConfigError("INVALID_OBJECT", errors.map(formatDiagnostic).join("\n"), { diagnostics: found });
  return { writes: [...writes.values()], warnings: found };
}

/** The object that an edit is about. */
export function refOfEdit(edit: StoreEdit): ObjectRef {
  if ("put" in edit) return refOf(edit.put);
  return "delete" in edit ? edit.delete : edit.status;
}

function named({ kind, namespace, name }: ObjectRef): string {
  return `${kind} ${namespace}/${name}`;
}

function conflictOf(expect: string | null | undefined, before: StoredObject | undefined): string | undefined {
  if (expect === undefined) return undefined;
  if (expect === null) return before && "exists already";
  if (before === undefined) return `is gone (revision ${expect} was expected)`;
  return before.revision === expect ? undefined : `has revision ${before.revision}, ${expect} was expected`;
}

function applied(edit: StoreEdit, current: ConfigObject | undefined): ConfigObject | undefined {
  if ("delete" in edit) return undefined;
  if ("status" in edit) return current && { ...current, status: edit.value };
  const { status: _status, ...object } = edit.put;
  const { uid, creationTimestamp = edit.put.metadata.creationTimestamp, generation = 0 } = current?.metadata ?? {};
  const changed = current === undefined || !structurallyEqual(current.spec, object.spec);
  return {
    ...object,
    metadata: {
      ...object.metadata,
      generation: changed ? generation + 1 : generation,
      ...(creationTimestamp !== undefined && { creationTimestamp }),
      ...(uid !== undefined && { uid }),
    },
    ...(current?.status !== undefined && { status: current.status }),
  } as ConfigObject;
}
