import { Derivations, Mesh } from "@fairlead/mesh";
import { aNode, anEndpoint, aService } from "@fairlead/mesh/testing";
import { type Endpoint, type Service, serviceKey } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import { nameTableGenerator } from "./generator.ts";

const HEADLESS = aService("db.default.svc.cluster.local", { resolution: "Passthrough", headless: true });
const EXTERNAL = aService("ext.test", { registry: "External", name: "ext.test", namespace: "shop" });

function table(
  services: readonly (readonly [Service, ...Endpoint[]])[],
  metadata: Record<string, unknown> = { DNS_CAPTURE: "true" },
  ip = "10.0.0.1",
) {
  const mesh = Mesh.of({
    meshConfig: {},
    services: services.map(([service]) => service),
    endpoints: services.map(([service, ...endpoints]) => [
      serviceKey(service),
      { hostname: service.hostname, namespace: service.namespace, endpoints },
    ]),
    config: [],
  });
  const made = new Derivations(mesh).ask(
    {
      name: "test",
      key: () => "",
      compute: (read) => nameTableGenerator.units(read).flatMap((unit) => nameTableGenerator.generate(read, unit)),
    },
    undefined,
    aNode("client-1.default", ip, metadata),
  );
  return made[0]?.resource.table;
}

describe("the name table", () => {
  test("is for agents that answer DNS", () => {
    expect(table([[EXTERNAL]], {})).toBeUndefined();
    expect(table([[EXTERNAL]])).toEqual({});
  });

  test("holds the addresses of services; names of Kubernetes have short forms", () => {
    const a = aService("a.default.svc.cluster.local", { addresses: ["10.96.0.1", "2001:db8::1"] });
    const ext = { ...EXTERNAL, addresses: ["10.1.0.0/16", "10.2.0.1", "10.2.0.2"] };
    expect(table([[a], [ext]])).toEqual({
      "a.default.svc.cluster.local": {
        ips: ["10.96.0.1"],
        registry: "Kubernetes",
        namespace: "default",
        shortname: "a",
      },
      "ext.test": { ips: ["10.2.0.1", "10.2.0.2"], registry: "External" },
    });
    expect(table([[a]], { DNS_CAPTURE: "true", INSTANCE_IPS: "10.0.0.1,2001:db8::9" })).toMatchObject({
      "a.default.svc.cluster.local": { ips: ["10.96.0.1", "2001:db8::1"] },
    });
  });

  test("holds allocated addresses of the families that the proxy has", () => {
    const ext = { ...EXTERNAL, allocatedAddresses: ["240.240.0.1", "2001:2::1"] };
    expect(table([[ext]])).toEqual({ "ext.test": { ips: ["240.240.0.1"], registry: "External" } });
    expect(table([[ext]], { DNS_CAPTURE: "true" }, "2001:db8::9")).toMatchObject({
      "ext.test": { ips: ["2001:2::1"] },
    });
  });

  test("holds the healthy instances of headless services, in the node's own network and cluster", () => {
    const node = { DNS_CAPTURE: "true", CLUSTER_ID: "c1", NETWORK: "n1" };
    const at = (address: string, fields: Partial<Endpoint> = {}) =>
      anEndpoint(address, { clusterId: "c1", network: "n1", hostname: "db-0", subdomain: "db", ...fields });
    const endpoints = [
      at("10.0.1.1"),
      at("10.0.1.2", { hostname: "db-1" }),
      at("10.0.1.3", { health: "unhealthy", hostname: "db-2" }),
      at("10.0.1.4", { network: "n2", hostname: "db-3" }),
      at("10.0.1.5", { clusterId: "c2", hostname: "db-4" }),
      at("10.0.1.6", { clusterId: "c2" }),
      at("host.test", { hostname: "db-5" }),
    ];
    const pod = (name: string, ...ips: string[]) => [
      `${name}.db.default.svc.cluster.local`,
      { ips, registry: "Kubernetes", namespace: "default", shortname: `${name}.db` },
    ];
    expect(table([[HEADLESS, ...endpoints]], node)).toEqual({
      "db.default.svc.cluster.local": {
        ips: ["10.0.1.1", "10.0.1.2"],
        registry: "Kubernetes",
        namespace: "default",
        shortname: "db",
      },
      ...Object.fromEntries([pod("db-0", "10.0.1.1"), pod("db-1", "10.0.1.2"), pod("db-4", "10.0.1.5")]),
    });
    const unready = { ...HEADLESS, publishNotReadyAddresses: true };
    expect(table([[unready, at("10.0.1.3", { health: "unhealthy" })]], node)).toMatchObject({
      "db.default.svc.cluster.local": { ips: ["10.0.1.3"] },
    });
  });

  test("has no short forms for names of a cluster set", () => {
    const mcs = aService("a.default.svc.clusterset.local", { addresses: ["10.96.0.1"] });
    expect(table([[mcs]])).toEqual({
      "a.default.svc.clusterset.local": { ips: ["10.96.0.1"], registry: "Kubernetes" },
    });
  });
});
