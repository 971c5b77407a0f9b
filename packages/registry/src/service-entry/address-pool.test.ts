import type { ConfigObject, ServiceEntry } from "@fairlead/config";
import { MemoryCollection } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { serviceEntryRegistry } from "./registry.ts";

const entry = (
  name: string,
  spec: Partial<ServiceEntry> = {},
  status?: unknown,
  labels: Record<string, string> = {},
): ConfigObject<"ServiceEntry"> => ({
  kind: "ServiceEntry",
  apiVersion: "networking.istio.io/v1",
  metadata: { name, namespace: "shop", labels, annotations: {} },
  spec: { hosts: [`${name}.test`], ports: [{ number: 80, name: "tcp" }], resolution: "STATIC", ...spec },
  status,
});

function load(entries: readonly ConfigObject[], allocate = true) {
  const config = new MemoryCollection<ConfigObject>();
  config.apply(entries.map((value) => [value.metadata.name, value]));
  const registry = serviceEntryRegistry(config, { allocateAddresses: allocate });
  const addresses = () =>
    Object.fromEntries([...registry.services.values()].map((one) => [one.hostname, one.allocatedAddresses]));
  return { config, registry, addresses };
}

describe("allocated addresses", () => {
  it("are those of the status; one of each family counts", () => {
    const status = {
      addresses: [
        { host: "a.test", value: "2001:2::1" },
        { host: "a.test", value: "240.240.0.9" },
        { host: "b.test", value: "240.240.0.10" },
        { host: "a.test", value: "nonsense" },
      ],
    };
    const { addresses, registry } = load([entry("a", { hosts: ["a.test", "b.test", "c.test"] }, status)], false);
    expect(addresses()).toEqual({
      "a.test": ["240.240.0.9", "2001:2::1"],
      "b.test": ["240.240.0.10"],
      "c.test": undefined,
    });
    expect(registry.diagnostics()).toEqual([]);
  });

  it.each<[string, Partial<ServiceEntry>, Record<string, string>]>([
    ["addresses of its own", { addresses: ["10.0.0.1"] }, {}],
    ["no resolution", { resolution: "NONE" }, {}],
    ["the user's refusal", {}, { "networking.istio.io/enable-autoallocate-ip": "False" }],
  ])("mean nothing to an entry with %s", (_, spec, labels) => {
    const status = { addresses: [{ host: "a.test", value: "240.240.0.9" }] };
    expect(load([entry("a", spec, status, labels)]).addresses()).toEqual({ "a.test": undefined });
  });

  it("are the same on every replica, whatever the order, and stay when others come and go", () => {
    const names = Array.from({ length: 300 }, (_, index) => `host-${index}`);
    const one = load(names.map((name) => entry(name)));
    const other = load([...names].reverse().map((name) => entry(name)));
    expect(other.addresses()).toEqual(one.addresses());
    const all = Object.values(one.addresses()).flat();
    expect(new Set(all).size).toBe(600);
    for (const address of all)
      expect(address).toMatch(/^240\.240\.\d+\.([1-9]|\d\d|1\d\d|2[0-4]\d|25[0-4])$|^2001:2::f0f0:[0-9a-f]+$/);
    const before = one.addresses()["host-7.test"];
    one.config.delete("host-8");
    one.config.set("new", entry("new"));
    expect(one.addresses()["host-7.test"]).toEqual(before);
    expect(one.addresses()["new.test"]).toHaveLength(2);
  });

  it("are never what an entry has already, by status or by the user's word", () => {
    const [v4 = "", v6 = ""] = load([entry("a")]).addresses()["a.test"] ?? [];
    const withOwn = load([entry("a"), entry("b", { addresses: [v4] })]).addresses();
    expect(withOwn["a.test"]).not.toContain(v4);
    const withStatus = load([entry("a"), entry("b", {}, { addresses: [{ host: "b.test", value: v6 }] })]).addresses();
    expect(withStatus["b.test"]).toEqual([v6]);
    expect(withStatus["a.test"]).not.toContain(v6);
  });

  it("go to wildcards only where the proxy resolves what they stand for", () => {
    const { addresses } = load([
      entry("a", { hosts: ["*.a.test"] }),
      entry("b", { hosts: ["*.b.test"], resolution: "DYNAMIC_DNS", location: "MESH_EXTERNAL" }),
    ]);
    expect(addresses()["*.a.test"]).toBeUndefined();
    expect(addresses()["*.b.test"]).toHaveLength(2);
  });
});
