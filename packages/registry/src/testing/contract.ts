import {
  type Change,
  type Collection,
  type Endpoint,
  objectKey,
  type Service,
  serviceKey,
  structurallyEqual,
} from "@fairlead/model";
import type { Registry } from "../registry.ts";

/** The part of a test framework that the contract needs; those of vitest, jest, mocha and node:test fit. */
export interface TestFramework {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
}

/** A registry under test and the hand that moves its source of truth. */
export interface RegistryHarness {
  readonly registry: Registry;
  /** Makes the source hold a service `web` in namespace `shop` with an endpoint at each address, port 8080. Resolves when the source has taken it. */
  set(addresses: readonly string[]): Promise<void> | void;
  /** Removes that service from the source. */
  remove(): Promise<void> | void;
  /** Stops what the harness started; the registry has been closed before. */
  stop?(): Promise<void> | void;
}

/** Longest time, in milliseconds, that a change of the source may take to arrive. */
const PATIENCE = 5_000;

/**
 * What every registry must do, as tests of `framework`. `create` is called for each test and starts with an empty source.
 * The service's endpoints may come as endpoints or, for sources that know workloads only, as workloads.
 */
export function registryContract(
  framework: TestFramework,
  name: string,
  create: () => Promise<RegistryHarness> | RegistryHarness,
): void {
  const run = (title: string, body: (harness: RegistryHarness) => Promise<void>) =>
    framework.it(title, async () => {
      const harness = await create();
      try {
        await harness.registry.ready;
        await body(harness);
      } finally {
        await harness.registry.close();
        await harness.stop?.();
      }
    });
  framework.describe(`${name} keeps the registry contract`, () => {
    run("is ready and empty for an empty source", async ({ registry }) => {
      await Promise.all(collections(registry).map(([, collection]) => collection.ready));
      equal([...registry.services.values()].length, 0, "services");
      equal([...registry.endpoints.values()].length, 0, "endpoints");
      equal([...registry.workloads.values()].length, 0, "workloads");
    });

    run("emits a service under namespace/hostname, complete", async ({ registry, set }) => {
      await set(["10.0.0.1"]);
      const service = await theService(registry);
      equal(registry.services.get(serviceKey(service)), service, "get(serviceKey)");
      equal(service.hostname, service.hostname.toLowerCase(), "lower-case hostname");
      for (const field of ["registry", "name", "resolution"] as const)
        assert(service[field] !== "", `${field} is empty`);
      for (const field of ["ports", "addresses", "exportTo", "subjectAltNames"] as const)
        assert(Array.isArray(service[field]), `${field} is not a list`);
      equal(new Set(service.ports.map((port) => port.name)).size, service.ports.length, "port names are unique");
      await eventually("the address", () => addressesOf(registry).join() === "10.0.0.1");
    });

    run("keeps keys, values and get in agreement", async ({ registry, set }) => {
      await set(["10.0.0.1", "10.0.0.2"]);
      await theService(registry);
      await eventually("both addresses", () => addressesOf(registry).join() === "10.0.0.1,10.0.0.2");
      for (const [kind, collection] of collections(registry)) {
        equal([...collection.keys()].length, [...collection.values()].length, `${kind}: keys and values`);
        for (const key of collection.keys()) assert(collection.get(key) !== undefined, `${kind}: ${key} has no value`);
      }
      for (const service of registry.services.values())
        equal(registry.services.get(serviceKey(service)), service, "service key");
      for (const workload of registry.workloads.values())
        assert(registry.workloads.get(objectKey(workload.source)) !== undefined, "workload key");
      for (const key of registry.endpoints.keys()) {
        const value = registry.endpoints.get(key);
        assert(value !== undefined && (key === serviceKey(value) || key.startsWith(`${serviceKey(value)}#`)), key);
      }
    });

    run("emits additions, changes and removals, each with its previous value", async ({ registry, set, remove }) => {
      // A source may hold what is not the test's, such as the namespaces of a cluster.
      const mirror = new Map<string, unknown>(snapshot(registry));
      const { batches } = record(registry);
      await set(["10.0.0.1"]);
      const service = await theService(registry);
      await eventually("the first address", () => addressesOf(registry).join() === "10.0.0.1");
      await set(["10.0.0.1", "10.0.0.2"]);
      await eventually("the second address", () => addressesOf(registry).join() === "10.0.0.1,10.0.0.2");
      await remove();
      await eventually("the removal", () => find(registry) === undefined && addressesOf(registry).length === 0);
      for (const { kind, changes } of batches) {
        assert(changes.length > 0, "an empty batch");
        equal(new Set(changes.map(({ key }) => key)).size, changes.length, "keys of a batch are unique");
        for (const { key, value, previous } of changes) {
          equal(mirror.get(`${kind} ${key}`), previous, `previous value of ${kind} ${key}`);
          if (value === undefined) mirror.delete(`${kind} ${key}`);
          else mirror.set(`${kind} ${key}`, value);
        }
      }
      for (const [kind, collection] of collections(registry))
        for (const key of collection.keys()) equal(mirror.get(`${kind} ${key}`), collection.get(key), `${kind} ${key}`);
      assert(!mirror.has(`services ${serviceKey(service)}`), "the service was never removed");
    });

    run("keeps the old objects and says nothing when the meaning is equal", async ({ registry, set }) => {
      await set(["10.0.0.1"]);
      await theService(registry);
      await eventually("the address", () => addressesOf(registry).join() === "10.0.0.1");
      const before = snapshot(registry);
      const { batches } = record(registry);
      await set(["10.0.0.1"]);
      await set(["10.0.0.1"]);
      await settle();
      equal(batches.length, 0, "batches");
      for (const [key, value] of snapshot(registry)) equal(before.get(key), value, key);
    });

    run("ends a subscription when told, as often as told", async ({ registry, set }) => {
      const { batches, unsubscribe } = record(registry);
      unsubscribe();
      unsubscribe();
      await set(["10.0.0.1"]);
      await theService(registry);
      equal(batches.length, 0, "batches");
    });

    run("answers diagnostics with a list", async ({ registry, set }) => {
      await set(["10.0.0.1"]);
      await theService(registry);
      for (const diagnostic of registry.diagnostics()) assert(diagnostic.code !== "", "a diagnostic without a code");
    });

    run("closes twice, keeps its values and says nothing more", async ({ registry, set, remove }) => {
      await set(["10.0.0.1"]);
      await theService(registry);
      await registry.close();
      await registry.close();
      const before = snapshot(registry);
      const { batches } = record(registry);
      // A source that is closed together with its registry may refuse.
      await (async () => remove())().catch(() => undefined);
      await settle();
      equal(batches.length, 0, "batches");
      assert(structurallyEqual([...before.keys()], [...snapshot(registry).keys()]), "values are gone");
    });
  });
}

function collections(registry: Registry): readonly (readonly [string, Collection<unknown>])[] {
  return [
    ["services", registry.services],
    ["workloads", registry.workloads],
    ["endpoints", registry.endpoints],
    ["namespaces", registry.namespaces],
  ];
}

function snapshot(registry: Registry): ReadonlyMap<string, unknown> {
  return new Map(
    collections(registry).flatMap(([kind, collection]) =>
      [...collection.keys()].map((key) => [`${kind} ${key}`, collection.get(key)] as const),
    ),
  );
}

function record(registry: Registry) {
  const batches: { readonly kind: string; readonly changes: readonly Change<unknown>[] }[] = [];
  const subscriptions = collections(registry).map(([kind, collection]) =>
    collection.subscribe((changes) => void batches.push({ kind, changes })),
  );
  const unsubscribe = () => {
    for (const subscription of subscriptions) subscription();
  };
  return { batches, unsubscribe };
}

function find(registry: Registry): Service | undefined {
  return [...registry.services.values()].find(
    ({ namespace, hostname }) => namespace === "shop" && /^web\b/.test(hostname),
  );
}

async function theService(registry: Registry): Promise<Service> {
  await eventually("the service", () => find(registry) !== undefined);
  const service = find(registry);
  if (service === undefined) throw new Error("the service is gone again");
  return service;
}

/** Addresses of the service's endpoints, or of the workloads where the source knows no endpoints; sorted. */
function addressesOf(registry: Registry): readonly string[] {
  const endpoints: readonly Pick<Endpoint, "addresses">[] = [...registry.endpoints.values()].flatMap(
    (value) => value.endpoints,
  );
  const given = endpoints.length > 0 ? endpoints : [...registry.workloads.values()];
  return given.flatMap(({ addresses }) => addresses).sort();
}

async function eventually(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!condition()) {
    assert(performance.now() < deadline, `${what} did not arrive within ${PATIENCE} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Time for what should not come to come anyway. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

function equal(actual: unknown, expected: unknown, what: string): void {
  if (!Object.is(actual, expected))
    throw new Error(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(actual)}`);
}
