import { type Collection, type Diagnostic, type Service, serviceKey } from "@fairlead/model";
import { ContributedCollection, type Resolve } from "./contributed-collection.ts";
import type { Registry } from "./registry.ts";
import { RegistryError } from "./registry-error.ts";

/**
 * Several registries as one. Precedence is their order: of two services with one key the earlier registry's stands, and
 * so for namespaces. Kubernetes services of several clusters are one service: its ports are the first cluster's, its
 * addresses and certificate names those of all (source: Istio `aggregate.mergeService`). Workloads and endpoints are
 * never merged: what would clash gets `@cluster` or `@registry` added to its key.
 *
 * A registry that cannot be read is reported and the others go on; `ready` rejects only when all of them fail.
 * The aggregate owns its registries: closing it closes them.
 */
export function aggregateRegistry(registries: readonly Registry[], name = "aggregate"): Registry {
  const failures = new Map<Registry, unknown>();
  const ready = readiness(registries, failures);
  ready.catch(() => undefined);
  const subscriptions: (() => void)[] = [];
  const gather = <V>(pick: (registry: Registry) => Collection<V>, resolve?: Resolve<V>): ContributedCollection<V> => {
    const gathered = new ContributedCollection<V>(ready, resolve);
    const first = new Map<string, readonly (readonly [string, V])[]>();
    registries.forEach((registry, index) => {
      const source = pick(registry);
      const contributor = (key: string) => `${String(index).padStart(6, "0")}/${key}`;
      for (const key of source.keys()) first.set(contributor(key), entryOf(key, source.get(key)));
      subscriptions.push(
        source.subscribe((changes) =>
          gathered.contribute(new Map(changes.map(({ key, value }) => [contributor(key), entryOf(key, value)]))),
        ),
      );
    });
    gathered.contribute(first);
    return gathered;
  };
  let closing: Promise<void> | undefined;
  return {
    name,
    services: gather(
      (registry) => registry.services,
      (key, services) => [[key, mergeClusters(services)]],
    ),
    workloads: gather(
      (registry) => registry.workloads,
      (key, workloads) => distinct(key, workloads, (workload) => workload.clusterId),
    ),
    endpoints: gather(
      (registry) => registry.endpoints,
      (key, endpoints) => distinct(key, endpoints, (_, index) => `registry-${index}`),
    ),
    namespaces: gather((registry) => registry.namespaces),
    ready,
    diagnostics: () => [
      ...registries.flatMap((registry) => registry.diagnostics()),
      ...[...failures].map(([registry, failure]) => unreadable(registry, failure)),
      ...shadowed(registries),
    ],
    close: () => {
      for (const unsubscribe of subscriptions) unsubscribe();
      closing ??= closeAll(registries);
      return closing;
    },
  };
}

function entryOf<V>(key: string, value: V | undefined): readonly (readonly [string, V])[] {
  return value === undefined ? [] : [[key, value]];
}

async function readiness(registries: readonly Registry[], failures: Map<Registry, unknown>): Promise<void> {
  const waiting = registries.map((registry) =>
    registry.ready.catch((failure: unknown) => void failures.set(registry, failure)),
  );
  await Promise.all(waiting);
  if (registries.length > 0 && failures.size === registries.length)
    throw new RegistryError(
      "unreachable",
      `none of ${registries.map((registry) => registry.name).join(", ")} is ready`,
      {
        cause: new AggregateError(failures.values()),
      },
    );
}

function unreadable(registry: Registry, failure: unknown): Diagnostic {
  const message = `registry ${registry.name} cannot be read: ${failure instanceof Error ? failure.message : String(failure)}`;
  return { code: "registry-unavailable", severity: "error", path: "", message };
}

/** Services that an earlier registry has too, so that they are not seen. */
function* shadowed(registries: readonly Registry[]): Iterable<Diagnostic> {
  const owners = new Map<string, { readonly registry: Registry; readonly service: Service }>();
  for (const registry of registries)
    for (const [key, service] of [...registry.services.values()].map((one) => [serviceKey(one), one] as const)) {
      const owner = owners.get(key);
      if (owner === undefined) owners.set(key, { registry, service });
      else if (!isOneInSeveralClusters(owner.service, service)) {
        const message = `${service.hostname} of registry ${owner.registry.name} comes before that of ${registry.name}`;
        yield { code: "service-shadowed", severity: "info", path: "", message, object: service.source };
      }
    }
}

function isOneInSeveralClusters(a: Service, b: Service): boolean {
  return a.registry === "Kubernetes" && b.registry === "Kubernetes";
}

async function closeAll(registries: readonly Registry[]): Promise<void> {
  const results = await Promise.allSettled(registries.map(async (registry) => registry.close()));
  const failed = results.filter((result) => result.status === "rejected").map((result) => result.reason as unknown);
  if (failed.length > 0) throw new AggregateError(failed, "registries did not close");
}

function mergeClusters(services: readonly Service[]): Service {
  const [first, ...others] = services;
  if (first === undefined) throw new RangeError("no services to merge");
  const clusters = others.filter((service) => isOneInSeveralClusters(first, service));
  if (clusters.length === 0) return first;
  const all = [first, ...clusters];
  return {
    ...first,
    addresses: [...new Set(all.flatMap((service) => service.addresses))],
    subjectAltNames: [...new Set(all.flatMap((service) => service.subjectAltNames))],
  };
}

/** The first under its own key, the others under that key and their mark; of one mark, the first. */
function distinct<V>(
  key: string,
  values: readonly V[],
  mark: (value: V, index: number) => string,
): ReadonlyMap<string, V> {
  const entries = new Map<string, V>();
  const marks = new Set<string>();
  values.forEach((value, index) => {
    const own = mark(value, index);
    if (marks.has(own)) return;
    marks.add(own);
    entries.set(index === 0 ? key : `${key}@${own}`, value);
  });
  return entries;
}
