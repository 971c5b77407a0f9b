import { type Change, MemoryCollection, type Unsubscribe } from "@fairlead/model";
import type { ConfigObject } from "../object.ts";
import { sameMeaning } from "./store.ts";

/** The readable half of a store that holds in memory what is in force; what is put there is the store's own matter. */
export abstract class HeldObjects {
  protected readonly objects: MemoryCollection<ConfigObject> = new MemoryCollection(sameMeaning);

  get(key: string): ConfigObject | undefined {
    return this.objects.get(key);
  }

  keys(): Iterable<string> {
    return this.objects.keys();
  }

  values(): Iterable<ConfigObject> {
    return this.objects.values();
  }

  subscribe(listener: (changes: readonly Change<ConfigObject>[]) => void): Unsubscribe {
    return this.objects.subscribe(listener);
  }
}
