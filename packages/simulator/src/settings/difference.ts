import { structurallyEqual } from "@fairlead/model";
import { differences } from "../diff/pointer.ts";
import type { Setting } from "./setting.ts";

/** One field of a setting that is not what it was. */
export interface SettingChange {
  readonly place: string;
  readonly name: string;
  /** JSON pointer (RFC 6901); empty where the whole place is there on one side only. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What of the settings on two ways differs; `but`: places that are not looked at. */
export function settingChanges(
  before: readonly Setting[],
  after: readonly Setting[],
  but: (place: string) => boolean = () => false,
): readonly SettingChange[] {
  const [old, now] = [byPlace(before, but), byPlace(after, but)];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((key): SettingChange[] => {
    const [left, right] = [old.get(key), now.get(key)];
    const { place, name } = left ?? right ?? { place: "", name: "" };
    if (left === undefined || right === undefined)
      return [{ place, name, path: "", before: left?.value, after: right?.value }];
    if (structurallyEqual(left.value, right.value)) return [];
    return differences(left.value, right.value).map((path) => ({
      place,
      name,
      path,
      before: at(left.value, path),
      after: at(right.value, path),
    }));
  });
}

/** Several of one place (routes that share requests) are told apart by their order. */
function byPlace(settings: readonly Setting[], but: (place: string) => boolean): ReadonlyMap<string, Setting> {
  const found = new Map<string, Setting>();
  for (const setting of settings) {
    if (but(setting.place)) continue;
    const base = JSON.stringify([setting.place, setting.name]);
    let key = base;
    for (let count = 1; found.has(key); count++) key = `${base}${count}`;
    found.set(key, setting);
  }
  return found;
}

function at(value: unknown, pointer: string): unknown {
  let found = value;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    found = typeof found === "object" && found !== null ? (found as Record<string, unknown>)[key] : undefined;
  }
  return found;
}
