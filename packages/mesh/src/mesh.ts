// Longer than most files: the value and the edits that make the next one keep the same indexes.
import type { ConfigObject, KindName, MeshConfig, MeshNetworks } from "@fairlead/config";
import {
  type Change,
  type Endpoint,
  type Namespace,
  objectKey,
  type Service,
  type ServiceEndpoints,
  serviceKey,
  structurallyEqual,
  type Workload,
} from "@fairlead/model";
import { Discovery } from "./discovery.ts";
import type { KeySet } from "./key-set.ts";
import type { CompliancePolicy } from "./mesh-settings.ts";
import { ShardedMap } from "./sharded-map.ts";

/** The units in which the mesh is read, by bucket name; the comment says what the key is. */
export interface Buckets {
  /** `Kind/namespace`: objects of a kind in a namespace, oldest first. */
  readonly config: readonly ConfigObject[];
  /** Kind: the namespaces that hold objects of it, sorted. */
  readonly configNamespaces: readonly string[];
  /** Host name: the services of that name, oldest first. */
  readonly host: readonly Service[];
  /** Namespace: its services, oldest first. */
  readonly services: readonly Service[];
  /** Empty: the namespaces that hold services, sorted. */
  readonly serviceNamespaces: readonly string[];
  /** `namespace/hostname`: the endpoints that registries give for a service. */
  readonly endpoints: readonly Endpoint[];
  /** Namespace: its workloads, by name. */
  readonly workloads: readonly Workload[];
  /** The empty key: the namespaces that have workloads. */
  readonly workloadNamespaces: readonly string[];
  /** Address: the `namespace/hostname` of services that have an endpoint there, sorted. */
  readonly address: readonly string[];
  /** Address: the workloads that have it, by name. */
  readonly workloadAddress: readonly Workload[];
  /** Name. */
  readonly namespace: Namespace;
  /** URL ({@link keySetUrl}): the keys that were fetched there, where somebody fetches them. */
  readonly keySet: KeySet;
  /** Empty. */
  readonly meshConfig: MeshConfig;
  /** Empty. */
  readonly meshNetworks: MeshNetworks;
  /** Empty. */
  readonly compliancePolicy: CompliancePolicy;
}

export type BucketName = keyof Buckets;

/** What a mesh is made from. `endpoints` are keyed as in their registry: several keys may serve one service. */
export interface MeshSources {
  readonly meshConfig: MeshConfig;
  readonly meshNetworks?: MeshNetworks;
  /** Holds for all TLS of proxies, whatever configuration says. */
  readonly compliancePolicy?: CompliancePolicy;
  readonly config?: Iterable<ConfigObject>;
  readonly services?: Iterable<Service>;
  readonly endpoints?: Iterable<readonly [key: string, endpoints: ServiceEndpoints]>;
  readonly workloads?: Iterable<Workload>;
  readonly namespaces?: Iterable<Namespace>;
  readonly keySets?: Iterable<readonly [url: string, keySet: KeySet]>;
}

/** Changes as collections report them. */
export interface MeshChanges {
  readonly meshConfig?: MeshConfig;
  readonly meshNetworks?: MeshNetworks;
  readonly compliancePolicy?: CompliancePolicy;
  readonly config?: readonly Change<ConfigObject>[];
  readonly services?: readonly Change<Service>[];
  readonly endpoints?: readonly Change<ServiceEndpoints>[];
  readonly workloads?: readonly Change<Workload>[];
  readonly namespaces?: readonly Change<Namespace>[];
  readonly keySets?: readonly Change<KeySet>[];
}

const separator = "\u0000";
type Bucket = Buckets[BucketName];

interface Aged {
  readonly creationTime?: string | undefined;
  readonly name: string;
  readonly namespace: string;
  /** Tells services apart that one object stands for, or that have one name in two registries. */
  readonly hostname?: string | undefined;
}

/** Oldest first; objects without a creation time before all others; then by name, namespace and host name. */
export function byAge(a: Aged, b: Aged): number {
  return (
    compareText(a.creationTime ?? "", b.creationTime ?? "") ||
    compareText(a.name, b.name) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.hostname ?? "", b.hostname ?? "")
  );
}

function ageOfObject(object: ConfigObject) {
  const { creationTimestamp, name, namespace } = object.metadata;
  return { creationTime: creationTimestamp, name, namespace };
}

/**
 * Everything that is known about a mesh, joined and indexed, as one immutable value: services, workloads, endpoints,
 * configuration, mesh configuration and networks. {@link Mesh.apply} gives a new mesh in time proportional to the
 * change; whatever did not change is the same object in both.
 */
export class Mesh {
  readonly #buckets: ShardedMap<Bucket>;
  /** Endpoints of one service by the source that gave them; absent where there is one source only. */
  readonly #endpointSources: ShardedMap<ReadonlyMap<string, ServiceEndpoints>>;
  /** Absent: all namespaces are shown. */
  readonly #discovery: Discovery | undefined;

  private constructor(
    buckets: ShardedMap<Bucket>,
    endpointSources: ShardedMap<ReadonlyMap<string, ServiceEndpoints>>,
    discovery?: Discovery,
  ) {
    this.#buckets = buckets;
    this.#endpointSources = endpointSources;
    this.#discovery = discovery;
  }

  static of(sources: MeshSources): Mesh {
    const added = <V>(entries: Iterable<readonly [string, V]>): Change<V>[] =>
      [...entries].map(([key, value]) => ({ key, value, previous: undefined }));
    const keyed = <V>(values: Iterable<V> | undefined, key: (value: V) => string) =>
      added([...(values ?? [])].map((value) => [key(value), value] as const));
    return new Mesh(ShardedMap.empty(), ShardedMap.empty()).apply({
      meshConfig: sources.meshConfig,
      ...(sources.meshNetworks ? { meshNetworks: sources.meshNetworks } : {}),
      ...(sources.compliancePolicy ? { compliancePolicy: sources.compliancePolicy } : {}),
      config: keyed(sources.config, (object) => objectKey({ kind: object.kind, ...object.metadata })),
      services: keyed(sources.services, serviceKey),
      endpoints: added(sources.endpoints ?? []),
      workloads: keyed(sources.workloads, (workload) => objectKey(workload.source)),
      namespaces: keyed(sources.namespaces, (namespace) => namespace.name),
      keySets: added(sources.keySets ?? []),
    });
  }

  get meshConfig(): MeshConfig {
    return this.bucket("meshConfig", "") as MeshConfig;
  }

  bucket<B extends BucketName>(name: B, key: string): Buckets[B] | undefined {
    const value = this.#buckets.get(`${name}${separator}${key}`);
    return (this.#discovery ? this.#discovery.view(name, key, value) : value) as Buckets[B] | undefined;
  }

  /** For {@link Derivations}: a bucket by name and key joined with NUL. */
  bucketById(id: string): unknown {
    const value = this.#buckets.get(id);
    if (!this.#discovery) return value;
    const end = id.indexOf(separator);
    return this.#discovery.view(id.slice(0, end) as BucketName, id.slice(end + 1), value);
  }

  /** The buckets (name and key joined with NUL) that are not the same object in `other`. */
  changedBuckets(other: Mesh): Iterable<string> {
    if (this.#discovery === other.#discovery) return this.#buckets.changedKeys(other.#buckets);
    // Any may show more or less than before.
    return new Set([...this.#buckets.entries(), ...other.#buckets.entries()].map(([id]) => id));
  }

  /** All objects of a kind, in no stated order. */
  *objects<K extends KindName>(kind: K): IterableIterator<ConfigObject<K>> {
    for (const namespace of this.bucket("configNamespaces", kind) ?? [])
      yield* (this.bucket("config", `${kind}/${namespace}`) ?? []) as readonly ConfigObject<K>[];
  }

  /** All services, in no stated order. */
  *services(): IterableIterator<Service> {
    for (const namespace of this.bucket("serviceNamespaces", "") ?? []) yield* this.bucket("services", namespace) ?? [];
  }

  /** All workloads, by namespace and name. */
  *workloads(): IterableIterator<Workload> {
    for (const namespace of this.bucket("workloadNamespaces", "") ?? [])
      yield* this.bucket("workloads", namespace) ?? [];
  }

  /** A mesh with `changes` applied; the same mesh when they change nothing. */
  apply(changes: MeshChanges): Mesh {
    const edit = new Edit(this.#buckets, this.#endpointSources);
    if (changes.meshConfig) edit.set("meshConfig", "", changes.meshConfig);
    if (changes.meshNetworks) edit.set("meshNetworks", "", changes.meshNetworks);
    if (changes.compliancePolicy) edit.set("compliancePolicy", "", changes.compliancePolicy);
    edit.config(changes.config ?? []);
    edit.services(changes.services ?? []);
    edit.endpoints(changes.endpoints ?? []);
    edit.workloads(changes.workloads ?? []);
    for (const { key, value } of changes.namespaces ?? []) edit.set("namespace", key, value);
    for (const { key, value } of changes.keySets ?? []) edit.set("keySet", key, value);
    const [buckets, endpointSources] = edit.finish();
    if (buckets === this.#buckets) return this;
    return new Mesh(buckets, endpointSources, this.#discoveryWith(buckets, changes));
  }

  #discoveryWith(buckets: ShardedMap<Bucket>, changes: MeshChanges): Discovery | undefined {
    const { discoverySelectors = [] } = (buckets.get(`meshConfig${separator}`) as MeshConfig | undefined) ?? {};
    if (discoverySelectors.length === 0) return undefined;
    const same = structurallyEqual(discoverySelectors, this.meshConfig?.discoverySelectors ?? []);
    if (this.#discovery && same && (changes.namespaces ?? []).length === 0) return this.#discovery;
    return new Discovery(
      discoverySelectors,
      (name) => buckets.get(`namespace${separator}${name}`) as Namespace | undefined,
    );
  }
}

/** The edits of one `apply`, list buckets held as maps until they are put back in order. */
class Edit {
  readonly #buckets: ShardedMap<Bucket>;
  readonly #sources: ShardedMap<ReadonlyMap<string, ServiceEndpoints>>;
  readonly #edits = new Map<string, Bucket | undefined>();
  readonly #sourceEdits = new Map<string, ReadonlyMap<string, ServiceEndpoints> | undefined>();
  readonly #lists = new Map<
    string,
    { readonly members: Set<unknown>; readonly order: (a: never, b: never) => number }
  >();

  constructor(buckets: ShardedMap<Bucket>, sources: ShardedMap<ReadonlyMap<string, ServiceEndpoints>>) {
    this.#buckets = buckets;
    this.#sources = sources;
  }

  set<B extends BucketName>(name: B, key: string, value: Buckets[B] | undefined): void {
    this.#edits.set(`${name}${separator}${key}`, value as Bucket | undefined);
  }

  #list<M>(name: BucketName, key: string, order: (a: M, b: M) => number): Set<M> {
    const id = `${name}${separator}${key}`;
    let list = this.#lists.get(id);
    if (!list) {
      list = { members: new Set((this.#buckets.get(id) as readonly M[] | undefined) ?? []), order: order as never };
      this.#lists.set(id, list);
    }
    return list.members as Set<M>;
  }

  #move<M>(
    name: BucketName,
    order: (a: M, b: M) => number,
    from: readonly [string, M] | undefined,
    to: readonly [string, M] | undefined,
  ): void {
    if (from) this.#list(name, from[0], order).delete(from[1]);
    if (to) this.#list(name, to[0], order).add(to[1]);
  }

  config(changes: readonly Change<ConfigObject>[]): void {
    const order = (a: ConfigObject, b: ConfigObject) => byAge(ageOfObject(a), ageOfObject(b));
    const place = (object: ConfigObject | undefined) =>
      object && ([`${object.kind}/${object.metadata.namespace}`, object] as const);
    for (const { value, previous } of changes) this.#move("config", order, place(previous), place(value));
    const touched = new Set(
      changes
        .flatMap(({ value, previous }) => [value, previous])
        .filter((object) => object !== undefined)
        .map((object) => `${object.kind}/${object.metadata.namespace}`),
    );
    this.#presence(touched, "config", "configNamespaces", (key) => [
      key.slice(0, key.indexOf("/")),
      key.slice(key.indexOf("/") + 1),
    ]);
  }

  services(changes: readonly Change<Service>[]): void {
    const touched = new Set<string>();
    for (const { value, previous } of changes) {
      this.#move<Service>(
        "services",
        byAge,
        previous && [previous.namespace, previous],
        value && [value.namespace, value],
      );
      this.#move<Service>("host", byAge, previous && [previous.hostname, previous], value && [value.hostname, value]);
      if (previous) touched.add(previous.namespace);
      if (value) touched.add(value.namespace);
    }
    this.#presence(touched, "services", "serviceNamespaces", (key) => ["", key]);
  }

  /** Keeps the sorted list of the keys under which a bucket has members. */
  #presence(
    touched: Iterable<string>,
    members: BucketName,
    index: BucketName,
    split: (key: string) => readonly [index: string, member: string],
  ): void {
    for (const key of touched) {
      const [at, member] = split(key);
      const list = this.#list<string>(index, at, compareText);
      if ((this.#lists.get(`${members}${separator}${key}`)?.members.size ?? 0) > 0) list.add(member);
      else list.delete(member);
    }
  }

  workloads(changes: readonly Change<Workload>[]): void {
    const touched = new Set<string>();
    for (const { value, previous } of changes) {
      for (const one of [previous, value]) if (one) touched.add(one.namespace);
      this.#move<Workload>(
        "workloads",
        byAge,
        previous && [previous.namespace, previous],
        value && [value.namespace, value],
      );
      for (const address of previous?.addresses ?? [])
        this.#list<Workload>("workloadAddress", address, byAge).delete(previous as Workload);
      for (const address of value?.addresses ?? [])
        this.#list<Workload>("workloadAddress", address, byAge).add(value as Workload);
    }
    this.#presence(touched, "workloads", "workloadNamespaces", (key) => ["", key]);
  }

  endpoints(changes: readonly Change<ServiceEndpoints>[]): void {
    const touched = new Set<string>();
    for (const { key, value, previous } of changes)
      for (const given of [previous, value]) {
        if (!given) continue;
        const service = serviceKey(given);
        const present = this.#sourceEdits.get(service) ?? this.#sources.get(service) ?? new Map();
        const next = new Map(present);
        if (given === value) next.set(key, value);
        else next.delete(key);
        this.#sourceEdits.set(service, next.size === 0 ? undefined : next);
        touched.add(service);
      }
    for (const service of touched) {
      const sources = this.#sourceEdits.get(service);
      const lists = sources
        ? [...sources].sort(([a], [b]) => compareText(a, b)).map(([, given]) => given.endpoints)
        : [];
      const only = lists.length === 1 ? lists[0] : undefined;
      const next = sources ? (only ?? lists.flat()) : undefined;
      const before = (this.#buckets.get(`endpoints${separator}${service}`) as readonly Endpoint[] | undefined) ?? [];
      this.set("endpoints", service, next);
      const addressesBefore = new Set(before.flatMap((endpoint) => endpoint.addresses));
      const addressesNow = new Set((next ?? []).flatMap((endpoint) => endpoint.addresses));
      for (const address of addressesBefore)
        if (!addressesNow.has(address)) this.#list<string>("address", address, compareText).delete(service);
      for (const address of addressesNow)
        if (!addressesBefore.has(address)) this.#list<string>("address", address, compareText).add(service);
    }
  }

  finish(): readonly [ShardedMap<Bucket>, ShardedMap<ReadonlyMap<string, ServiceEndpoints>>] {
    for (const [id, { members, order }] of this.#lists) {
      const before = this.#buckets.get(id) as readonly unknown[] | undefined;
      const sorted = [...members].sort(order as (a: unknown, b: unknown) => number);
      const same = before?.length === sorted.length && sorted.every((member, index) => member === before[index]);
      if (!same) this.#edits.set(id, sorted.length === 0 ? undefined : (sorted as unknown as Bucket));
    }
    return [this.#buckets.with(this.#edits), this.#sources.with(this.#sourceEdits)];
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
