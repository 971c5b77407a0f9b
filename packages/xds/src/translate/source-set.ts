import { type ObjectRef, objectKey } from "@fairlead/model";

/** Up to here objects are compared one by one: most resources are made from a few, and the text that tells them apart costs more. */
const FEW = 8;

const NONE: ObjectRef[] = [];

/** Objects of configuration, each once, in the order in which they are first named. */
export class SourceSet {
  list: ObjectRef[] = NONE;
  /** From then on: the references that were seen, and the texts of the objects. */
  #seen: Set<ObjectRef> | undefined;
  #keys: Set<string> | undefined;

  add(object: ObjectRef): void {
    const { list } = this;
    if (list.length <= FEW) {
      for (const one of list) if (one === object || isSame(one, object)) return;
      if (list === NONE) this.list = [object];
      else list.push(object);
      return;
    }
    this.#seen ??= new Set(list);
    if (this.#seen.has(object)) return;
    this.#seen.add(object);
    this.#keys ??= new Set(list.map(objectKey));
    const key = objectKey(object);
    if (this.#keys.has(key)) return;
    this.#keys.add(key);
    list.push(object);
  }
}

function isSame(a: ObjectRef, b: ObjectRef): boolean {
  return a.name === b.name && a.namespace === b.namespace && a.kind === b.kind;
}
