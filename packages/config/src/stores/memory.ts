import { type Diagnostic, type ObjectRef, objectKey, type Position } from "@fairlead/model";
import { type ConfigObject, refOf } from "../object.ts";
import { validateObject } from "../validation/validate.ts";
import { HeldObjects } from "./held-objects.ts";
import type { StoredObject, StoreEdit, WritableStore } from "./store.ts";
import { planWrites } from "./write-plan.ts";

/** A store that a program fills. */
export interface MemoryStore extends WritableStore {
  /**
   * Puts objects in as they are (status included), in one batch. An object with errors does not go in: the version there
   * was stays in force. Answers (and keeps, see `diagnostics`) what was found out about these objects. For all or
   * nothing, and to write only over what was read: {@link WritableStore.transact}.
   */
  put(...objects: readonly ConfigObject[]): readonly Diagnostic[];
  /** Takes objects out, in one batch; unknown ones are ignored. */
  delete(...refs: readonly ObjectRef[]): void;
}

/** A store in memory, holding `objects` to begin with. */
export function memoryStore(objects: Iterable<ConfigObject> = []): MemoryStore {
  const store = new ObjectStore();
  store.putAll(objects);
  return store;
}

class ObjectStore extends HeldObjects implements MemoryStore {
  readonly ready: Promise<void> = Promise.resolve();
  readonly #found = new Map<string, readonly Diagnostic[]>();
  readonly #stored = new Map<string, StoredObject>();
  #writes = 0;

  put(...objects: readonly ConfigObject[]): readonly Diagnostic[] {
    return this.putAll(objects);
  }

  putAll(objects: Iterable<ConfigObject>): readonly Diagnostic[] {
    const all: Diagnostic[] = [];
    const edits: [string, ConfigObject][] = [];
    for (const object of objects) {
      const key = objectKey(refOf(object));
      const diagnostics = validateObject(object);
      this.#keep(key, diagnostics);
      all.push(...diagnostics);
      if (!diagnostics.some(({ severity }) => severity === "error")) edits.push([key, object]);
    }
    this.#write(edits);
    return all;
  }

  delete(...refs: readonly ObjectRef[]): void {
    const keys = refs.map(objectKey);
    for (const key of keys) this.#found.delete(key);
    this.#write(keys.map((key) => [key, undefined]));
  }

  stored(ref: ObjectRef): StoredObject | undefined {
    return this.#stored.get(objectKey(ref));
  }

  async transact(edits: readonly StoreEdit[]): Promise<readonly Diagnostic[]> {
    const { writes, warnings } = planWrites(edits, (ref) => this.stored(ref));
    for (const { key } of writes) this.#keep(key, []);
    for (const warning of warnings) if (warning.object) this.#keep(objectKey(warning.object), [warning], true);
    this.#write(writes.map(({ key, after }) => [key, after]));
    return warnings;
  }

  diagnostics(): readonly Diagnostic[] {
    return [...this.#found.values()].flat();
  }

  locate(): Position | undefined {
    return undefined;
  }

  #write(edits: readonly (readonly [string, ConfigObject | undefined])[]): void {
    for (const [key, object] of edits)
      if (object) this.#stored.set(key, { object, revision: String(++this.#writes) });
      else this.#stored.delete(key);
    this.objects.apply(edits);
  }

  #keep(key: string, diagnostics: readonly Diagnostic[], more = false): void {
    const all = more ? [...(this.#found.get(key) ?? []), ...diagnostics] : diagnostics;
    if (all.length > 0) this.#found.set(key, all);
    else this.#found.delete(key);
  }
}
