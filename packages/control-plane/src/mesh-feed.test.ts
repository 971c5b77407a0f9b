import { type ConfigObject, memoryStore, virtualService } from "@fairlead/config";
import type { Mesh } from "@fairlead/mesh";
import type { Endpoint } from "@fairlead/model";
import { type MemoryRegistry, memoryRegistry } from "@fairlead/registry";
import { describe, expect, it } from "vitest";
import { heldClock } from "../test/held-clock.ts";
import { MeshFeed, type MeshSettings } from "./mesh-feed.ts";
import { fixedSettings } from "./mesh-settings.ts";

const web = { hostname: "web.shop.internal", namespace: "shop" };

const endpoint = (address: string): Endpoint => ({
  addresses: [address],
  ports: { http: 8080 },
  labels: {},
  namespace: "shop",
  serviceAccount: "web",
  locality: { region: "", zone: "", subzone: "" },
  network: "",
  clusterId: "",
  health: "healthy",
  tlsMode: "disabled",
});

const place = (registry: MemoryRegistry, ...addresses: string[]) =>
  registry.putEndpoints({ ...web, endpoints: addresses.map(endpoint) });

const route = (name: string, host: string): ConfigObject =>
  virtualService({ name, namespace: "shop" }, { hosts: [host], http: [{ route: [{ destination: { host } }] }] });

function feedOf(settings: MeshSettings = fixedSettings()) {
  const held = heldClock();
  const config = memoryStore();
  const registry = memoryRegistry();
  const meshes: Mesh[] = [];
  place(registry, "10.0.0.1");
  const feed = new MeshFeed({ config, registry, settings, clock: held.clock, onMesh: (mesh) => meshes.push(mesh) });
  const addresses = () => feed.mesh.bucket("endpoints", "shop/web.shop.internal")?.map((one) => one.addresses[0]);
  const routes = () => feed.mesh.bucket("config", "VirtualService/shop")?.map(({ metadata }) => metadata.name) ?? [];
  return { ...held, config, registry, feed, meshes, addresses, routes };
}

describe("MeshFeed", () => {
  it("begins with what the sources have", () => {
    const { addresses, meshes } = feedOf();
    expect(addresses()).toEqual(["10.0.0.1"]);
    expect(meshes).toEqual([]);
  });

  it("takes changes of all sources as one, when they are quiet", () => {
    const { addresses, routes, advance, registry, config, meshes, feed } = feedOf();
    const before = feed.mesh;
    place(registry, "10.0.0.2");
    config.put(route("a", "a"));
    place(registry, "10.0.0.3", "10.0.0.4");
    advance(9);
    expect(feed.mesh).toBe(before);
    advance(1);
    expect(addresses()).toEqual(["10.0.0.3", "10.0.0.4"]);
    expect(routes()).toEqual(["a"]);
    expect(meshes).toEqual([feed.mesh]);
    // The old mesh is what it was.
    expect(before.bucket("endpoints", "shop/web.shop.internal")?.[0]?.addresses).toEqual(["10.0.0.1"]);
  });

  it("what comes and goes before it was taken is no change", () => {
    const { advance, config, meshes, feed } = feedOf();
    const before = feed.mesh;
    const object = route("a", "a");
    config.put(object);
    config.delete({ kind: "VirtualService", namespace: "shop", name: "a" });
    advance(100);
    expect(meshes).toEqual([]);
    expect(feed.mesh).toBe(before);
  });

  it("what is removed and put again is as it was put last", () => {
    const { advance, config, routes, meshes, feed } = feedOf();
    config.put(route("a", "a"));
    advance(10);
    config.delete({ kind: "VirtualService", namespace: "shop", name: "a" });
    config.put(route("a", "other"));
    advance(100);
    expect(routes()).toEqual(["a"]);
    expect(feed.mesh.bucket("config", "VirtualService/shop")).toMatchObject([{ spec: { hosts: ["other"] } }]);
    expect(meshes).toHaveLength(2);
  });

  it("takes changes of the settings", () => {
    const listeners: (() => void)[] = [];
    const settings = {
      ...fixedSettings({ trustDomain: "one" }),
      subscribe: (listener: () => void) => {
        listeners.push(listener);
        return () => undefined;
      },
    };
    const { advance, feed, meshes } = feedOf(settings);
    expect(feed.mesh.meshConfig.trustDomain).toBe("one");
    settings.meshConfig = { ...settings.meshConfig, trustDomain: "two" };
    for (const listener of listeners) listener();
    advance(10);
    expect(feed.mesh.meshConfig.trustDomain).toBe("two");
    expect(meshes).toHaveLength(1);
  });

  it("takes what waits at once when flushed, and nothing more when closed", () => {
    const { feed, registry, addresses, advance } = feedOf();
    place(registry, "10.0.0.2");
    feed.flush();
    expect(addresses()).toEqual(["10.0.0.2"]);
    place(registry, "10.0.0.3");
    feed.close();
    place(registry, "10.0.0.4");
    advance(10_000);
    feed.flush();
    expect(addresses()).toEqual(["10.0.0.2"]);
  });
});
