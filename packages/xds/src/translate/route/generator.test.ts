import type { ConfigObject } from "@fairlead/config";
import { Derivations, type Mesh, type Query } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { objectKey, type ProxyNode } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import type { Generated } from "../generated.ts";
import { routeGenerator } from "./generator.ts";
import { meshOf, reading } from "./testing.ts";

const port = (number: number, protocol: "HTTP" | "TCP" | "Unspecified") => [{ number, name: "p", protocol }];

test("units of a sidecar are what its listeners ask for", () => {
  const services = [
    aService("http.example", { registry: "External", ports: port(9080, "HTTP") }),
    aService("tcp.example", { registry: "External", ports: port(5432, "TCP"), addresses: ["10.1.0.1"] }),
    aService("sniffed.example", { registry: "External", ports: port(9999, "Unspecified"), addresses: ["10.1.0.2"] }),
    aService("anywhere.example", { registry: "External", ports: port(7777, "Unspecified") }),
  ];
  const units = reading(meshOf(services, [], { proxyHttpPort: 15_007 }), aNode(), (read) => routeGenerator.units(read));
  expect(units).toEqual(["7777", "9080", "http_proxy", "sniffed.example:9999"]);
});

test("a gateway's units are those of its servers", () => {
  const server = { port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] };
  const config = [anObject("Gateway", "g", { servers: [server] })];
  const router: ProxyNode = { ...aNode(), type: "router" };
  expect(reading(meshOf([], config), router, (read) => routeGenerator.units(read))).toEqual(["http.80"]);
  expect(reading(meshOf([], config), { ...router, type: "waypoint" }, (read) => routeGenerator.units(read))).toEqual(
    [],
  );
});

describe("sharing", () => {
  const unit: Query<string, readonly Generated[]> = {
    name: "unit",
    key: (name) => name,
    compute: (read, name) => routeGenerator.generate(read, name),
  };
  const hosts = Array.from({ length: 50 }, (_, index) => `svc-${index}.default.svc.cluster.local`);
  const virtualService = (host: string, timeout: `${number}s`): ConfigObject =>
    anObject("VirtualService", host, { hosts: [host], http: [{ route: [{ destination: { host } }], timeout }] });
  const mesh = meshOf(
    hosts.map((host) => aService(host)),
    hosts.slice(0, 25).map((host) => virtualService(host, "1s")),
  );
  const edited = (from: Mesh, value: ConfigObject): Mesh => {
    const [previous] = [...from.objects("VirtualService")].filter((one) => one.metadata.name === value.metadata.name);
    const key = objectKey({ kind: value.kind, ...value.metadata });
    return from.apply({ config: [{ key, value, previous }] });
  };
  const virtualHosts = (derivations: Derivations, node = aNode()) => {
    const [made] = derivations.ask(unit, "9080", node);
    return new Map(
      (made as Generated<{ virtualHosts: { name: string }[] }>).resource.virtualHosts.map((host) => [host.name, host]),
    );
  };

  test("an edited VirtualService makes its own virtual host again and no other", () => {
    const derivations = new Derivations(mesh);
    const before = virtualHosts(derivations);
    derivations.advance(edited(mesh, virtualService(hosts[3] ?? "", "2s")));
    const after = virtualHosts(derivations);
    const changed = [...after].filter(([name, host]) => before.get(name) !== host).map(([name]) => name);
    expect(changed).toEqual([`${hosts[3]}:9080`]);
  });

  test("replicas, and nodes of a namespace that makes no difference, share all of it", () => {
    const derivations = new Derivations(mesh);
    const before = derivations.ask(unit, "9080", aNode("a-1.x", "10.0.0.1"));
    const { computations } = derivations.statistics;
    expect(derivations.ask(unit, "9080", aNode("a-2.y", "10.0.0.2"))).toBe(before);
    expect(derivations.statistics.computations).toBe(computations);
  });

  test("the order in which objects come makes no difference", () => {
    const objects = [...mesh.objects("VirtualService")];
    const services = [...mesh.services()];
    const text = (of: Mesh) => JSON.stringify([...virtualHosts(new Derivations(of)).values()]);
    expect(text(meshOf(services.reverse(), objects.reverse()))).toBe(text(mesh));
  });
});
