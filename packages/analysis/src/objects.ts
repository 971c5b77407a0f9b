import { ShardedMap, type Snapshot } from "@fairlead/mesh";
import { structurallyEqual } from "@fairlead/model";
import type { Resource } from "./resource.ts";
import { AS_WRITTEN, type ResourceIndex } from "./resource-index.ts";
import type { Settings } from "./world.ts";

const SEPARATOR = "\u0000";

/** One version of an object and the next; one of them may be absent. */
export interface ResourceChange {
  readonly before: Resource | undefined;
  readonly after: Resource | undefined;
}

/**
 * All objects under analysis, as an immutable value: lists of resources, sorted by name, under the keys of indexes. An edit makes
 * the lists anew that an old or a new version is in, and shares the others.
 */
export class Objects implements Snapshot {
  readonly #settings: readonly [Settings];
  readonly #indexes: readonly ResourceIndex[];
  readonly #lists: ShardedMap<readonly Resource[]>;

  private constructor(
    settings: readonly [Settings],
    indexes: readonly ResourceIndex[],
    lists: ShardedMap<readonly Resource[]>,
  ) {
    this.#settings = settings;
    this.#indexes = indexes;
    this.#lists = lists;
  }

  static empty(settings: Settings, indexes: Iterable<ResourceIndex>): Objects {
    return new Objects([settings], [...new Set(indexes)], ShardedMap.empty());
  }

  with(changes: Iterable<ResourceChange>): Objects {
    // By list: what resources in it become, by id; of two for one id the later.
    const edits = new Map<string, Become[]>();
    const edit = (list: string, id: string, resource: Resource | undefined) => {
      const known = edits.get(list);
      if (known) known.push([id, resource]);
      else edits.set(list, [[id, resource]]);
    };
    for (const { before, after } of changes) {
      if (before && after && isSame(before, after)) {
        edit(asWritten(after), after.id, after);
        continue;
      }
      if (before) for (const list of [asWritten(before), ...this.#listsOf(before)]) edit(list, before.id, undefined);
      if (after) for (const list of this.#listsOf(after)) edit(list, after.id, after);
    }
    const lists = [...edits].map(([list, become]) => [list, edited(this.#lists.get(list) ?? [], become)] as const);
    return new Objects(this.#settings, this.#indexes, this.#lists.with(lists));
  }

  bucketById(id: string): unknown {
    return id === `settings${SEPARATOR}` ? this.#settings : this.#lists.get(id);
  }

  changedBuckets(other: Objects): Iterable<string> {
    return this.#lists.changedKeys(other.#lists);
  }

  #listsOf(resource: Resource): Set<string> {
    const ids = new Set<string>();
    for (const { name, kinds, keys } of this.#indexes)
      if (kinds === undefined || kinds.includes(resource.kind))
        for (const key of keys(resource)) ids.add(`${name}${SEPARATOR}${key}`);
    return ids;
  }
}

/** There only while a resource is written elsewhere than the one that other lists hold. */
function asWritten({ id }: Resource): string {
  return `${AS_WRITTEN.name}${SEPARATOR}${id}`;
}

/** Whether they differ in their place only. */
function isSame(a: Resource, b: Resource): boolean {
  const said = ({ document }: Resource) =>
    document.diagnostics.map(({ severity, code, path, message }) => [severity, code, path, message]);
  return (
    a.document.apiVersion === b.document.apiVersion &&
    structurallyEqual(a.document.value, b.document.value) &&
    structurallyEqual(said(a), said(b))
  );
}

type Become = readonly [id: string, resource: Resource | undefined];

/** The list with members exchanged; undefined for an empty one. */
function edited(list: readonly Resource[], edits: readonly Become[]): readonly Resource[] | undefined {
  const [first] = edits;
  if (list.length === 0 && edits.length === 1) return first?.[1] && [first[1]];
  const become = new Map(edits);
  const next: Resource[] = [];
  for (const resource of list) {
    const now = become.has(resource.id) ? become.get(resource.id) : resource;
    if (now) next.push(now);
    become.delete(resource.id);
  }
  const come = [...become.values()].filter((resource) => resource !== undefined);
  for (const resource of come) next.push(resource);
  if (come.length > 0) next.sort(byName);
  return next.length === 0 ? undefined : next;
}

function byName(a: Resource, b: Resource): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
