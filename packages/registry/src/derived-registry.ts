import {
  type Diagnostic,
  formatObject,
  type Namespace,
  type ObjectRef,
  objectKey,
  type Service,
  type ServiceEndpoints,
  serviceKey,
  type Workload,
} from "@fairlead/model";
import { ContributedCollection } from "./contributed-collection.ts";
import type { Registry } from "./registry.ts";
import { mergeServices } from "./service-merge.ts";

/** What one source object gives. */
export interface Contribution {
  readonly services?: readonly Service[];
  readonly workloads?: readonly Workload[];
  /** By their keys, see `endpointsKey`. */
  readonly endpoints?: ReadonlyMap<string, ServiceEndpoints>;
  readonly namespaces?: readonly Namespace[];
  readonly diagnostics?: readonly Diagnostic[];
}

/**
 * Derives the contribution of one unit (a source object). `read` notes a topic (another object, an address, a list) that
 * the result depends on, whether or not it was there; the unit is derived again when that topic is touched.
 */
export type Derive = (unit: string, read: (topic: string) => void) => Contribution | undefined;

/** A registry that derives its content from source objects, each again only when what it read has changed. */
export class DerivedRegistry implements Registry {
  readonly name: string;
  readonly ready: Promise<void>;
  readonly services: ContributedCollection<Service>;
  readonly workloads: ContributedCollection<Workload>;
  readonly endpoints: ContributedCollection<ServiceEndpoints>;
  readonly namespaces: ContributedCollection<Namespace>;
  readonly #derive: Derive;
  readonly #readers = new Map<string, Set<string>>();
  readonly #topics = new Map<string, ReadonlySet<string>>();
  readonly #diagnostics = new Map<string, readonly Diagnostic[]>();
  /** By service key, those that another owner of the host keeps out. */
  readonly #leftOut = new Map<string, readonly Service[]>();
  readonly #onClose: () => void;
  #closed = false;

  constructor(options: { name: string; ready: Promise<void>; derive: Derive; onClose: () => void }) {
    this.name = options.name;
    this.ready = options.ready;
    // Whoever waits on it sees the failure; nobody has to.
    this.ready.catch(() => undefined);
    this.#derive = options.derive;
    this.#onClose = options.onClose;
    this.services = new ContributedCollection(this.ready, (key, values) => {
      const { service, left } = mergeServices(values);
      this.#leftOut.set(key, left);
      return [[key, service]];
    });
    this.workloads = new ContributedCollection(this.ready);
    this.endpoints = new ContributedCollection(this.ready);
    this.namespaces = new ContributedCollection(this.ready);
  }

  /** Derives `units` and every unit that read one of `topics`; each collection emits one batch. */
  update(units: Iterable<string>, topics: Iterable<string> = []): void {
    if (this.#closed) return;
    const due = new Set(units);
    for (const topic of topics) for (const reader of this.#readers.get(topic) ?? []) due.add(reader);
    const derived = [...due].sort().map((unit) => [unit, this.#deriveOne(unit)] as const);
    const contribute = <V>(
      collection: ContributedCollection<V>,
      entries: (contribution: Contribution) => Iterable<readonly [string, V]>,
    ) => collection.contribute(new Map(derived.map(([unit, contribution]) => [unit, entries(contribution)])));
    contribute(this.namespaces, (given) => (given.namespaces ?? []).map((value) => [value.name, value]));
    contribute(this.services, (given) => (given.services ?? []).map((value) => [serviceKey(value), value]));
    contribute(this.workloads, (given) => (given.workloads ?? []).map((value) => [objectKey(value.source), value]));
    contribute(this.endpoints, (given) => given.endpoints ?? []);
  }

  diagnostics(): readonly Diagnostic[] {
    return [...[...this.#diagnostics.values()].flat(), ...this.#conflicts()];
  }

  *#conflicts(): Iterable<Diagnostic> {
    for (const [key, left] of this.#leftOut) {
      const owner = this.services.get(key);
      if (owner === undefined) this.#leftOut.delete(key);
      else for (const { hostname, source } of left) yield hostConflict(hostname, owner.source, source);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  #deriveOne(unit: string): Contribution {
    const topics = new Set<string>();
    const contribution = this.#derive(unit, (topic) => topics.add(topic)) ?? {};
    for (const topic of this.#topics.get(unit) ?? []) if (!topics.has(topic)) this.#forget(topic, unit);
    for (const topic of topics) {
      const readers = this.#readers.get(topic);
      if (readers) readers.add(unit);
      else this.#readers.set(topic, new Set([unit]));
    }
    if (topics.size > 0) this.#topics.set(unit, topics);
    else this.#topics.delete(unit);
    if (contribution.diagnostics && contribution.diagnostics.length > 0)
      this.#diagnostics.set(unit, contribution.diagnostics);
    else this.#diagnostics.delete(unit);
    return contribution;
  }

  #forget(topic: string, unit: string): void {
    const readers = this.#readers.get(topic);
    readers?.delete(unit);
    if (readers?.size === 0) this.#readers.delete(topic);
  }
}

function hostConflict(hostname: string, owner: ObjectRef, object: ObjectRef): Diagnostic {
  const message =
    `${hostname} is owned by the older ${formatObject(owner)}; resolution, labels, selector or exportTo differ, ` +
    "so this object's ports are not added";
  return { code: "host-conflict", severity: "warning", path: "spec.hosts", message, object };
}
