import { createHash } from "node:crypto";
import type { ResourceType } from "../resource-type.ts";
import type { NameList } from "./request.ts";

/** What a stream asked for of one type. Equal ones are the same object, so that views of them are shared. */
export interface Subscription {
  readonly wildcard: boolean;
  /** Wildcard because of an empty first request, not of `*`. */
  readonly legacy: boolean;
  readonly names: ReadonlySet<string>;
  /** Those of `names` that stand for a collection: `xdstp://AUTHORITY/TYPE/PATH/*`, with context parameters or none. */
  readonly globs: readonly string[];
}

const GLOB = /^xdstp:\/\/[^?]*\/\*(\?|$)/;

/** Whether a resource is of a collection: one step below its path, with the same context parameters. Source: xRFC TP1. */
export function isInCollection(glob: string, name: string): boolean {
  const [path = "", context] = glob.split("?", 2);
  const [own = "", ownContext] = name.split("?", 2);
  const prefix = path.slice(0, -1);
  return own.startsWith(prefix) && !own.slice(prefix.length).includes("/") && context === ownContext;
}

/** Whether a subscription asks for a resource, by its name or as one of many. */
export function isAskedFor({ wildcard, names, globs }: Subscription, name: string): boolean {
  return wildcard || names.has(name) || globs.some((glob) => isInCollection(glob, name));
}

/** A changed subscription, and the names that were asked for though they were in it already. */
export interface Transition {
  readonly subscription: Subscription;
  readonly again: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();
const interned = new Map<string, WeakRef<Subscription>>();
const collected = new FinalizationRegistry<string>((key) => {
  if (interned.get(key)?.deref() === undefined) interned.delete(key);
});

function intern(wildcard: boolean, legacy: boolean, names: ReadonlySet<string>): Subscription {
  const hash = createHash("sha256");
  const sorted = [...names].sort();
  for (const name of sorted) hash.update(`${name.length}:${name}`);
  const key = `${wildcard ? "*" : ""}${legacy ? "legacy" : ""} ${hash.digest("base64")}`;
  const found = interned.get(key)?.deref();
  if (found) return found;
  const globs = sorted.filter((name) => GLOB.test(name));
  const made: Subscription = { wildcard, legacy, names: sorted.length === 0 ? NONE : new Set(sorted), globs };
  interned.set(key, new WeakRef(made));
  collected.register(made, key);
  return made;
}

/** Transitions already worked out, by the bytes of the request: a thousand equal clients cost one. */
const transitions = new WeakMap<object, Map<string, WeakRef<Transition>>>();
const LIMIT = 256;

function remember(from: object, key: string, compute: () => Transition): Transition {
  let known = transitions.get(from);
  if (!known) {
    known = new Map();
    transitions.set(from, known);
  }
  const found = known.get(key)?.deref();
  if (found) return found;
  const made = compute();
  if (known.size >= LIMIT) known.delete(known.keys().next().value ?? "");
  known.set(key, new WeakRef(made));
  return made;
}

function acceptsStar(type: ResourceType): boolean {
  return type.wildcard !== "never";
}

/**
 * The subscription after a state-of-the-world request: its names replace the earlier ones. An empty list in the first request
 * means everything for types with a legacy wildcard, and nothing once names were given (xDS protocol, "How the client
 * specifies what resources to return").
 */
export function sotwSubscription(type: ResourceType, from: Subscription | undefined, names: NameList): Transition {
  return remember(from ?? type, `${type.typeUrl} ${names.key}`, () => {
    const list = names.read();
    if (list.length === 0) {
      const legacy = from === undefined ? type.wildcard === "legacy" : from.legacy;
      return { subscription: intern(legacy, legacy, NONE), again: NONE };
    }
    const set = new Set(list);
    const star = set.delete("*") && acceptsStar(type);
    return { subscription: intern(star, false, set), again: NONE };
  });
}

/** The subscription after a delta request. An empty first request is a legacy wildcard, which ends with an unsubscription from `*`. */
export function deltaSubscription(
  type: ResourceType,
  from: Subscription | undefined,
  subscribe: NameList,
  unsubscribe: NameList,
): Transition {
  if (from && subscribe.key === "" && unsubscribe.key === "") return { subscription: from, again: NONE };
  return remember(from ?? type, `${type.typeUrl} ${subscribe.key} ${unsubscribe.key}`, () => {
    const added = subscribe.read();
    const names = new Set(from?.names);
    let legacy = from?.legacy ?? (added.length === 0 && type.wildcard === "legacy");
    let wildcard = from?.wildcard ?? legacy;
    const again = new Set<string>();
    for (const name of added) {
      if (name === "*") {
        wildcard = acceptsStar(type);
        legacy = false;
      } else if (names.has(name)) again.add(name);
      else {
        // Under a wildcard the client may have it already, and asks for it all the same.
        if (from?.wildcard) again.add(name);
        names.add(name);
      }
    }
    for (const name of unsubscribe.read()) {
      if (name === "*") {
        wildcard = false;
        legacy = false;
      } else names.delete(name);
    }
    return { subscription: intern(wildcard, legacy, names), again: again.size === 0 ? NONE : again };
  });
}
