import type { Unsubscribe } from "@fairlead/model";

/** Who is told of changes. */
export interface Listeners<Args extends readonly unknown[]> {
  /** Calls all that listen now; who begins or ends meanwhile counts from the next time on. */
  tell(...args: Args): void;
  subscribe(listener: (...args: Args) => void): Unsubscribe;
  clear(): void;
}

export function createListeners<Args extends readonly unknown[] = []>(): Listeners<Args> {
  const listeners = new Set<(...args: Args) => void>();
  return {
    tell(...args) {
      for (const listener of [...listeners]) listener(...args);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    clear: () => listeners.clear(),
  };
}
