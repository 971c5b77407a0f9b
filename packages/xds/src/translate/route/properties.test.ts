import type { ConfigObject } from "@fairlead/config";
import { Derivations, type Query } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { type Change, objectKey, type ProxyNode, type Service, serviceKey } from "@fairlead/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RouteConfiguration } from "../../proto/types.ts";
import type { Generated } from "../generated.ts";
import { routeGenerator } from "./generator.ts";
import { meshOf } from "./testing.ts";

/** What Envoy refuses, and what nobody should be able to tell from the output, for random small meshes. */

const host = fc.constantFrom(
  "a.default.svc.cluster.local",
  "b.default.svc.cluster.local",
  "b.other.svc.cluster.local",
  "b.default",
  "a.example",
  "A.Example",
  "x.a.example",
  "*.example",
  "*.a.example",
  "*",
  "10.1.0.1",
  "fd00::1",
);
const namespace = fc.constantFrom("default", "other");
const number = fc.constantFrom(80, 9080);

const service: fc.Arbitrary<Service> = fc
  .record({
    host: host.filter((name) => name !== "*"),
    namespace,
    ports: fc.uniqueArray(
      fc.record({ number, protocol: fc.constantFrom("HTTP" as const, "TCP" as const, "Unspecified" as const) }),
      { selector: (port) => port.number, minLength: 1 },
    ),
    address: fc.option(fc.constantFrom("10.1.0.1", "10.1.0.2", "10.2.0.0/16", "fd00::1")),
    resolution: fc.constantFrom("ClientSideLB" as const, "Passthrough" as const, "Alias" as const),
    registry: fc.constantFrom("Kubernetes", "External"),
  })
  .map(({ host, namespace, ports, address, resolution, registry }) =>
    aService(host, {
      namespace,
      registry,
      resolution,
      ...(resolution === "Alias" ? { externalName: "a.default.svc.cluster.local" } : {}),
      ports: ports.map((port) => ({ ...port, name: `p${port.number}` })),
      addresses: address ? [address] : [],
    }),
  );

const rule = fc.record({
  match: fc.array(
    fc.record({ uri: fc.record({ prefix: fc.constantFrom("/", "/a", "/b") }), port: fc.constantFrom(0, 80, 9080) }),
    { maxLength: 2 },
  ),
  route: fc.array(fc.record({ destination: fc.record({ host }), weight: fc.constantFrom(0, 1, 50) }), { maxLength: 3 }),
});

const virtualService = fc
  .record({
    name: fc.constantFrom("v1", "v2", "v3"),
    namespace,
    hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 3 }),
    gateways: fc.subarray(["mesh", "default/g"], { minLength: 1 }),
    http: fc.array(rule, { maxLength: 3 }),
  })
  .map(({ name, namespace, ...spec }) => anObject("VirtualService", name, spec, { namespace }));

const gateway = fc
  .uniqueArray(
    fc.record({ number, hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 3 }), redirect: fc.boolean() }),
    {
      selector: (server) => server.number,
    },
  )
  .map((servers) =>
    anObject("Gateway", "g", {
      servers: servers.map(({ number, hosts, redirect }) => ({
        port: { number, name: `h${number}`, protocol: "HTTP" },
        hosts,
        ...(redirect ? { tls: { httpsRedirect: true } } : {}),
      })),
    }),
  );

const mesh = fc.record({
  services: fc.uniqueArray(service, {
    selector: ({ hostname, namespace }) => `${namespace}/${hostname}`,
    maxLength: 8,
  }),
  config: fc
    .tuple(
      fc.uniqueArray(virtualService, {
        selector: ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
        maxLength: 6,
      }),
      gateway,
    )
    .map(([services, one]): readonly ConfigObject[] => [...services, one]),
});

const NODES: readonly ProxyNode[] = [aNode(), aNode("c-1.other"), { ...aNode("gw-1.default"), type: "router" }];

const everything: Query<void, readonly Generated<RouteConfiguration>[]> = {
  name: "all",
  key: () => "",
  compute: (read) => routeGenerator.units(read).flatMap((unit) => routeGenerator.generate(read, unit)),
};

const made = (derivations: Derivations) => NODES.flatMap((node) => derivations.ask(everything, undefined, node));

const META = { proxyHttpPort: 15_007 };

function configurations(services: readonly Service[], config: readonly ConfigObject[]) {
  return made(new Derivations(meshOf(services, config, META)));
}

/** What leads from the members of one list to those of another. */
function changes<V>(from: readonly V[], to: readonly V[], key: (value: V) => string): readonly Change<V>[] {
  const before = new Map(from.map((value) => [key(value), value]));
  const after = new Map(to.map((value) => [key(value), value]));
  return [...new Set([...before.keys(), ...after.keys()])].map((name) => ({
    key: name,
    value: after.get(name),
    previous: before.get(name),
  }));
}

test("names and domains of virtual hosts are unique, and every route does something", () => {
  fc.assert(
    fc.property(mesh, ({ services, config }) => {
      for (const { resource } of configurations(services, config)) {
        const hosts = resource.virtualHosts ?? [];
        const names = hosts.map(({ name }) => name);
        const domains = hosts.flatMap((one) => (one.domains ?? []).map((domain) => domain.toLowerCase()));
        expect(names).toEqual([...new Set(names)]);
        expect(domains).toEqual([...new Set(domains)]);
        for (const one of hosts) expect(one.domains).not.toEqual([]);
        for (const route of hosts.flatMap(({ routes = [] }) => routes)) {
          expect(route.route ?? route.redirect ?? route.directResponse).toBeDefined();
          if (route.route?.weightedClusters) expect(route.route.weightedClusters.clusters).not.toEqual([]);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("the order of the input cannot be told from the output", () => {
  const text = (services: readonly Service[], config: readonly ConfigObject[]) =>
    JSON.stringify(configurations(services, config));
  fc.assert(
    fc.property(mesh, ({ services, config }) => {
      expect(text([...services].reverse(), [...config].reverse())).toBe(text(services, config));
    }),
    { numRuns: 150 },
  );
});

test("what is made again after a change is what is made from nothing", () => {
  const key = ({ kind, metadata }: ConfigObject) => objectKey({ kind, ...metadata });
  fc.assert(
    fc.property(fc.array(mesh, { minLength: 2, maxLength: 4 }), (meshes) => {
      let [{ services, config } = { services: [], config: [] }] = meshes;
      let current = meshOf(services, config, META);
      const derivations = new Derivations(current);
      made(derivations);
      for (const next of meshes.slice(1)) {
        current = current.apply({
          services: changes(services, next.services, serviceKey),
          config: changes(config, next.config, key),
        });
        ({ services, config } = next);
        derivations.advance(current);
        expect(JSON.stringify(made(derivations))).toBe(JSON.stringify(configurations(services, config)));
      }
    }),
    { numRuns: 100 },
  );
});
