import { structurallyEqual } from "@fairlead/model";
import type { KubernetesObject } from "../object.ts";

/** A refusal in the API's own form. */
export class StatusError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

export interface StoredEvent {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly collection: string;
  readonly object: KubernetesObject;
  readonly previous: KubernetesObject | undefined;
}

/**
 * Objects as an API server keeps them: one resource version for all, optimistic concurrency, generations, and a history
 * that watches go on from until it is compacted.
 */
export class ObjectStore {
  readonly #collections = new Map<string, Map<string, KubernetesObject>>();
  readonly #listeners = new Set<(event: StoredEvent) => void>();
  #history: StoredEvent[] = [];
  #compacted = 0;
  #version = 1;

  get version(): number {
    return this.#version;
  }

  /** Forgets all history: who wants to go on from before now has to list again. */
  compact(): void {
    this.#version++;
    this.#compacted = this.#version;
    this.#history = [];
  }

  /** Objects of a collection in the order of their names. */
  list(collection: string): readonly KubernetesObject[] {
    return [...(this.#collections.get(collection) ?? [])]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  get(collection: string, key: string): KubernetesObject {
    const object = this.#collections.get(collection)?.get(key);
    if (!object) throw new StatusError(404, "NotFound", `${collection} "${key}" not found`);
    return object;
  }

  create(collection: string, key: string, object: KubernetesObject): KubernetesObject {
    if (this.#collections.get(collection)?.has(key))
      throw new StatusError(409, "AlreadyExists", `${collection} "${key}" already exists`);
    const version = ++this.#version;
    const metadata = {
      ...object.metadata,
      uid: `uid-${version}`,
      resourceVersion: String(version),
      generation: 1,
      creationTimestamp: new Date(Date.UTC(2024, 0, 1) + version * 1000).toISOString(),
    };
    return this.#keep("ADDED", collection, key, { ...object, metadata }, undefined);
  }

  update(collection: string, key: string, next: KubernetesObject): KubernetesObject {
    const previous = this.get(collection, key);
    const asked = next.metadata.resourceVersion;
    if (asked !== undefined && asked !== "" && asked !== previous.metadata.resourceVersion)
      throw new StatusError(409, "Conflict", `the object has been modified; apply your changes to the latest version`);
    const generation =
      Number(previous.metadata.generation ?? 1) + (structurallyEqual(previous.spec, next.spec) ? 0 : 1);
    const { uid, creationTimestamp, resourceVersion } = previous.metadata;
    const metadata = { ...next.metadata, uid, creationTimestamp, resourceVersion, generation };
    // A write that changes nothing makes no new version.
    if (structurallyEqual(previous, { ...next, metadata })) return previous;
    const version = String(++this.#version);
    return this.#keep(
      "MODIFIED",
      collection,
      key,
      { ...next, metadata: { ...metadata, resourceVersion: version } } as KubernetesObject,
      previous,
    );
  }

  delete(collection: string, key: string, resourceVersion: string | undefined): KubernetesObject {
    const previous = this.get(collection, key);
    if (resourceVersion !== undefined && resourceVersion !== previous.metadata.resourceVersion)
      throw new StatusError(409, "Conflict", "the precondition on resourceVersion failed");
    const metadata = { ...previous.metadata, resourceVersion: String(++this.#version) };
    return this.#keep("DELETED", collection, key, { ...previous, metadata }, previous);
  }

  /** What happened after `version`; throws 410 when that is no longer known. */
  since(version: number): readonly StoredEvent[] {
    if (version < this.#compacted)
      throw new StatusError(410, "Expired", `too old resource version: ${version} (${this.#compacted})`);
    return this.#history.filter((event) => event.version > version);
  }

  subscribe(listener: (event: StoredEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #keep(
    type: StoredEvent["type"],
    collection: string,
    key: string,
    object: KubernetesObject,
    previous: KubernetesObject | undefined,
  ): KubernetesObject {
    const objects = this.#collections.get(collection) ?? new Map<string, KubernetesObject>();
    this.#collections.set(collection, objects);
    if (type === "DELETED") objects.delete(key);
    else objects.set(key, object);
    const event = { version: this.#version, type, collection, object, previous };
    this.#history.push(event);
    for (const listener of this.#listeners) listener(event);
    return object;
  }
}
