import { structurallyEqual } from "@fairlead/model";

const known = new WeakMap<object, WeakMap<object, boolean>>();

/** Structural equality of resources. Proxies of a mesh share them, so a pair is compared once. */
export function same(a: object | undefined, b: object | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  let others = known.get(a);
  if (others === undefined) {
    others = new WeakMap();
    known.set(a, others);
  }
  let result = others.get(b);
  if (result === undefined) {
    result = structurallyEqual(a, b);
    others.set(b, result);
  }
  return result;
}
