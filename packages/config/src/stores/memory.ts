import { type Diagnostic, type ObjectRef, objectKey, type Position } from "@fairlead/model";
import { type ConfigObject, refOf } from "../object.ts";
import { validateObject } from "../validation/validate.ts";
import { HeldObjects } from "./held-objects.ts";
import type { ConfigStore } from "./store.ts";

/** A store that a program fills. */
export interface MemoryStore extends ConfigStore {
  /**
   * Puts objects in, in one batch. An object with errors does not go in: the version there was stays in force. Answers
   * (and keeps, see `diagnostics`) what was found out about these objects.
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

  put(...objects: readonly ConfigObject[]): readonly Diagnostic[] {
    return this.putAll(objects);
  }

  putAll(objects: Iterable<ConfigObject>): readonly Diagnostic[] {
    const all: Diagnostic[] = [];
    const edits: [string, ConfigObject][] = [];
    for (const object of objects) {
      const key = objectKey(refOf(object));
      const diagnostics = validateObject(object);
      if (diagnostics.length > 0) this.#found.set(key, diagnostics);
      else this.#found.delete(key);
      all.push(...diagnostics);
      if (!diagnostics.some(({ severity }) => severity === "error")) edits.push([key, object]);
    }
    this.objects.apply(edits);
    return all;
  }

  delete(...refs: readonly ObjectRef[]): void {
    const keys = refs.map(objectKey);
    for (const key of keys) this.#found.delete(key);
    this.objects.apply(keys.map((key) => [key, undefined]));
  }

  diagnostics(): readonly Diagnostic[] {
    return [...this.#found.values()].flat();
  }

  locate(): Position | undefined {
    return undefined;
  }
}
