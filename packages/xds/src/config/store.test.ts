import { configObject, destinationRule, memoryStore } from "@fairlead/config";
import { formatDiagnostic } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { type EncodedResource, resourceFromBytes } from "../encoded-resource.ts";
import { encode } from "../proto/codec.ts";
import { createDiscoveryServer } from "../server/index.ts";
import type { ResourceSource } from "../server/source.ts";
import { configTypeUrl, encodeConfig } from "./envelope.ts";
import { createConfigSource } from "./source.ts";
import { xdsConfigStore } from "./store.ts";

const TYPE = configTypeUrl("DestinationRule");

/** A server of DestinationRules, whatever their bytes. */
function serverOf(resources: readonly EncodedResource[]) {
  let set = new Map(resources.map((resource) => [resource.name, resource]));
  const listeners = new Set<() => void>();
  const source: ResourceSource = {
    open(_node, _peer, changed) {
      listeners.add(changed);
      return {
        get: (typeUrl) => (typeUrl === TYPE ? { resources: set } : undefined),
        close: () => void listeners.delete(changed),
      };
    },
  };
  return {
    server: createDiscoveryServer(source),
    put(resource: EncodedResource) {
      set = new Map(set).set(resource.name, resource);
      for (const listener of listeners) listener();
    },
  };
}

const rule = (name: string, host: string) => destinationRule({ name, namespace: "shop" }, { host });
const envelope = (name: string, body: { readonly "@type": string }) =>
  resourceFromBytes(TYPE, name, encode("istio.mcp.v1alpha1.Resource", { metadata: { name, version: "1" }, body }));
const ruleBody = (spec: object) => ({
  "@type": "type.googleapis.com/istio.networking.v1alpha3.DestinationRule",
  ...spec,
});

describe.each(["sotw", "delta"] as const)("xdsConfigStore (%s)", (mode) => {
  it("takes what is good, keeps the last good version of what is not, and says why", async () => {
    const { server, put } = serverOf([encodeConfig(rule("a", "a.com")), encodeConfig(rule("b", "b.com"))]);
    const { address } = await server.listen({ address: "127.0.0.1:0" });
    const told: (readonly string[])[] = [];
    using store = xdsConfigStore({
      address,
      mode,
      onDiagnostics: (found) => told.push(found.map(formatDiagnostic)),
    });
    await store.ready;
    expect(store.diagnostics()).toEqual([]);
    put(envelope("shop/a", ruleBody({ host: "not a host" })));
    await expect.poll(() => store.diagnostics().length).toBe(1);
    put(encodeConfig(rule("b", "b2.com")));
    put(envelope("shop/c", { "@type": "type.googleapis.com/istio.networking.v1alpha3.Gateway" }));
    put(envelope("shop/d/e", ruleBody({ host: "d.com" })));
    put(resourceFromBytes(TYPE, "shop/f", encode("istio.mcp.v1alpha1.Resource", { metadata: { name: "shop/f" } })));
    await expect.poll(() => store.diagnostics().length).toBe(4);
    expect([...store.keys()].sort()).toEqual(["DestinationRule/shop/a", "DestinationRule/shop/b"]);
    expect(store.get("DestinationRule/shop/a")?.spec).toEqual({ host: "a.com" });
    expect(store.get("DestinationRule/shop/b")?.spec).toEqual({ host: "b2.com" });
    expect(store.diagnostics().map(formatDiagnostic).sort()).toEqual([
      expect.stringMatching(/^error DestinationRule shop\/a spec\.host: /),
      expect.stringMatching(/^error DestinationRule shop\/c .*expected istio\.networking\.v1alpha3\.DestinationRule/),
      expect.stringMatching(/^error DestinationRule shop\/d\/e .*expected NAMESPACE\/NAME/),
      expect.stringMatching(/^error DestinationRule shop\/f .*found nothing/),
    ]);
    // What istiod makes of WasmPlugins is none of it.
    put(envelope("shop/a~istio-translated-wasmplugin", ruleBody({ host: "a.com" })));
    put(encodeConfig(rule("a", "a3.com")));
    await expect.poll(() => store.get("DestinationRule/shop/a")?.spec).toEqual({ host: "a3.com" });
    expect([...store.keys()]).toHaveLength(2);
    expect(store.diagnostics()).toHaveLength(3);
    expect(told.at(-1)).toHaveLength(3);
    await server.close();
  });

  it("asks for some kinds only, when told to", async () => {
    const source = createConfigSource(
      memoryStore([rule("a", "a.com"), configObject("Sidecar", "s", { egress: [{ hosts: ["./*"] }] })]),
    );
    const server = createDiscoveryServer(source);
    const { address } = await server.listen({ address: "127.0.0.1:0" });
    using store = xdsConfigStore({ address, mode, kinds: ["Sidecar"] });
    await store.ready;
    expect([...store.keys()]).toEqual(["Sidecar/default/s"]);
    await server.close();
  });
});

it("an object that protobuf cannot hold is left out, and told", () => {
  const store = memoryStore();
  using source = createConfigSource(store);
  const valid = configObject("EnvoyFilter", "filter", {
    configPatches: [{ applyTo: "CLUSTER", patch: { operation: "MERGE", value: { name: "a" } } }],
  });
  store.put(valid, { ...valid, metadata: { ...valid.metadata, name: "dated", creationTimestamp: "yesterday" } });
  expect(source.diagnostics().map(formatDiagnostic)).toEqual([
    expect.stringMatching(/^error EnvoyFilter default\/dated .*createTime: expected an RFC 3339 time/),
  ]);
});
