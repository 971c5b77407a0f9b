import { type Collection, MemoryCollection } from "@fairlead/model";
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Registry } from "../registry.ts";
import { type KubernetesObject, kubernetesObjectKey } from "./object.ts";
import { manifestsRegistry } from "./registry.ts";

const name = fc.constantFrom("a", "b");
const ip = fc.constantFrom("10.0.0.1", "10.0.0.2");
const labels = fc.record({ app: name }, { requiredKeys: [] });
const make = (apiVersion: string, kind: string, own: string, metadata: object, rest: object): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name: own, namespace: "shop", ...metadata },
  ...rest,
});

const object: fc.Arbitrary<KubernetesObject> = fc.oneof(
  fc
    .tuple(name, labels, fc.boolean())
    .map(([own, own2, publishNotReadyAddresses]) =>
      make("v1", "Service", own, { labels: own2 }, { spec: { publishNotReadyAddresses, ports: [{ port: 80 }] } }),
    ),
  fc
    .tuple(name, labels, fc.option(ip), fc.constantFrom("a", "b", undefined))
    .map(([own, own2, podIP, nodeName]) =>
      make("v1", "Pod", own, { labels: own2 }, { spec: { nodeName }, status: { podIP } }),
    ),
  fc
    .tuple(name, name)
    .map(([own, zone]) =>
      make("v1", "Node", own, { namespace: undefined, labels: { "topology.kubernetes.io/zone": zone } }, {}),
    ),
  fc.tuple(name, name, ip, fc.option(name), fc.boolean()).map(([own, service, address, pod, ready]) =>
    make(
      "discovery.k8s.io/v1",
      "EndpointSlice",
      own,
      { labels: { "kubernetes.io/service-name": service } },
      {
        ports: [{ port: 8080 }],
        endpoints: [
          {
            addresses: [address],
            conditions: { ready, terminating: false },
            ...(pod !== null && { targetRef: { kind: "Pod", name: pod } }),
          },
        ],
      },
    ),
  ),
  fc
    .tuple(name, ip)
    .map(([own, address]) =>
      make("v1", "Endpoints", own, {}, { subsets: [{ addresses: [{ ip: address }], ports: [{ port: 8080 }] }] }),
    ),
  fc
    .tuple(name, labels)
    .map(([own, matchLabels]) =>
      make(
        "apps/v1",
        "Deployment",
        own,
        {},
        { spec: { selector: { matchLabels }, template: { metadata: { labels: matchLabels } } } },
      ),
    ),
  fc.tuple(name, fc.constantFrom("PreferClose", "Any")).map(([network, distribution]) =>
    make(
      "v1",
      "Namespace",
      network === "a" ? "shop" : "istio-system",
      {
        namespace: undefined,
        labels: { "topology.istio.io/network": network },
        annotations: { "networking.istio.io/traffic-distribution": distribution },
      },
      {},
    ),
  ),
);
const edit = fc.tuple(object, fc.boolean());

const COLLECTIONS = ["services", "workloads", "endpoints", "namespaces"] as const;
const contents = (registry: Registry) =>
  Object.fromEntries(
    COLLECTIONS.map((kind) => {
      const collection: Collection<unknown> = registry[kind];
      return [kind, Object.fromEntries([...collection.keys()].sort().map((key) => [key, collection.get(key)]))];
    }),
  );

it("a registry after any edits is the registry of what is there then, and its events tell the same", () => {
  fc.assert(
    fc.property(fc.array(fc.array(edit, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), (batches) => {
      const objects = new MemoryCollection<KubernetesObject>();
      const registry = manifestsRegistry(objects);
      const told = Object.fromEntries(COLLECTIONS.map((kind) => [kind, {} as Record<string, unknown>]));
      for (const kind of COLLECTIONS) {
        const collection: Collection<unknown> = registry[kind];
        collection.subscribe((changes) => {
          for (const { key, value } of changes)
            if (value === undefined) delete told[kind]?.[key];
            else Object.assign(told[kind] ?? {}, { [key]: value });
        });
      }
      for (const batch of batches)
        objects.apply(batch.map(([value, keep]) => [kubernetesObjectKey(value), keep ? value : undefined] as const));
      const fresh = manifestsRegistry([...objects.values()]);
      expect(contents(registry)).toEqual(contents(fresh));
      expect(told).toEqual(contents(fresh));
      const sorted = (one: Registry) =>
        one
          .diagnostics()
          .map((diagnostic) => JSON.stringify(diagnostic))
          .sort();
      expect(sorted(registry)).toEqual(sorted(fresh));
    }),
    { numRuns: 500, seed: 1 },
  );
});
