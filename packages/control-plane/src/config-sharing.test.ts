import { memoryKeyManager, selfSignedAuthority } from "@fairlead/ca";
import { destinationRule, memoryStore, textStore, virtualService } from "@fairlead/config";
import { type Change, formatDiagnostic } from "@fairlead/model";
import { createDiscoveryClient, RESOURCE_TYPES } from "@fairlead/xds";
import { type XdsConfigStore, xdsConfigStore } from "@fairlead/xds/config";
import { describe, expect, it } from "vitest";
import { type ControlPlane, createControlPlane } from "./control-plane.ts";
import { receivedConfig } from "./received-config.ts";

const LOOPBACK = "127.0.0.1:0";
const SHOP = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop, labels: {team: a}}
spec:
  hosts: [shop.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: 10.0.0.1, labels: {version: v1}}, {address: 10.0.0.2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shop}
spec:
  host: shop.example.com
  trafficPolicy: {connectionPool: {tcp: {connectTimeout: 1m30s}}}
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  http:
    - {route: [{destination: {host: shop.example.com, subset: v1}, weight: 90}, {destination: {host: shop.example.com, subset: v2}, weight: 10}], timeout: 2s}
`;

async function until(what: () => unknown): Promise<void> {
  const end = Date.now() + 10_000;
  while (!what()) {
    if (Date.now() > end) throw new Error("it did not come");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Name and version of all that a sidecar is sent. */
async function servedBy(plane: ControlPlane): Promise<readonly string[]> {
  const { ads } = await plane.listen({ ads: LOOPBACK });
  const types = ["CDS", "EDS", "LDS", "RDS"].map(
    (name) => RESOURCE_TYPES.find(({ shortName }) => shortName === name)?.typeUrl ?? "",
  );
  using client = createDiscoveryClient({
    address: ads,
    node: { id: "sidecar~10.0.0.9~page-1.default~default.svc.cluster.local" },
    subscriptions: Object.fromEntries(
      types.map((type, index) => [type, [["*"], ["outbound|80|v1|shop.example.com"], ["*"], ["80"]][index] ?? []]),
    ),
    onResources: () => undefined,
  });
  await until(() => types.every((type) => client.resources(type).size > 0));
  return types.flatMap((type) =>
    [...client.resources(type).values()].map(({ name, version }) => `${name} ${version}`).sort(),
  );
}

describe.each(["sotw", "delta"] as const)("two control planes that share configuration (%s)", (mode) => {
  it("serve the same resources, follow changes, and keep what they have while the other is away", async () => {
    const store = textStore({ "shop.yaml": SHOP });
    const first = await createControlPlane({ config: store, shareConfig: true });
    const { ads } = await first.listen({ ads: LOOPBACK });
    using received = xdsConfigStore({ address: ads, mode });
    await received.ready;
    expect([...received.keys()].sort()).toEqual([...store.keys()].sort());
    expect(received.get("ServiceEntry/default/shop")?.metadata.labels).toEqual({ team: "a" });
    await using second = await createControlPlane({ config: received });
    expect(await servedBy(second)).toEqual(await servedBy(first));

    const batches: (readonly Change<unknown>[])[] = [];
    received.subscribe((changes) => batches.push(changes));
    store.set({ "shop.yaml": SHOP.replace("weight: 90", "weight: 70").replace("weight: 10", "weight: 30") });
    await until(() => batches.length === 1);
    expect(batches[0]?.map(({ key }) => key)).toEqual(["VirtualService/default/shop"]);
    store.set({ "shop.yaml": SHOP.slice(0, SHOP.lastIndexOf("---")) });
    await until(() => received.get("VirtualService/default/shop") === undefined);

    await first.close();
    await until(() => !received.connected);
    await until(() => received.diagnostics().length > 0);
    expect(received.diagnostics().map(formatDiagnostic)).toEqual([
      expect.stringMatching(/^warning no configuration from 127\.0\.0\.1:\d+: .*\[not-connected\]$/),
    ]);
    expect(received.get("DestinationRule/default/shop")).toBeDefined();
    const again = await createControlPlane({
      config: memoryStore([destinationRule("shop", { host: "shop.example.com" })]),
      shareConfig: true,
    });
    await using _closing = again;
    await again.listen({ ads });
    await until(() => received.get("ServiceEntry/default/shop") === undefined);
    expect([...received.keys()]).toEqual(["DestinationRule/default/shop"]);
    expect(received.diagnostics()).toEqual([]);
  });
});

describe("configuration of a control plane", () => {
  const refused = async (plane: ControlPlane, more: Partial<Parameters<typeof xdsConfigStore>[0]> = {}) => {
    const { ads } = await plane.listen({ ads: LOOPBACK, security: "plaintext" });
    using received: XdsConfigStore = xdsConfigStore({ address: ads, ...more });
    await until(() => received.diagnostics().length > 0);
    return received.diagnostics()[0]?.message;
  };

  it("is not given to anybody unless that is asked for", async () => {
    await using plane = await createControlPlane({ config: textStore({ "shop.yaml": SHOP }) });
    expect(await refused(plane)).toContain("this control plane does not share its configuration");
  });

  it("is for nodes of the root namespace", async () => {
    await using plane = await createControlPlane({ config: textStore({ "shop.yaml": SHOP }), shareConfig: true });
    const node = { id: "sidecar~10.0.0.9~page-1.default~default.svc.cluster.local" };
    expect(await refused(plane, { node })).toContain("whose node is of namespace istio-system, not default");
  });

  it("goes over mutual TLS to who proves to be of it", async () => {
    const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    await using plane = await createControlPlane({
      config: memoryStore([
        virtualService("a", { hosts: ["a.com"], http: [{ route: [{ destination: { host: "a.com" } }] }] }),
      ]),
      shareConfig: true,
      authority,
    });
    const { ads } = await plane.listen({ ads: LOOPBACK });
    using received = await receivedConfig({ address: ads, authority });
    await received.ready;
    expect([...received.keys()]).toEqual(["VirtualService/default/a"]);
    expect(plane.proxies()).toMatchObject([{ transport: "tls" }]);
    using other = await receivedConfig({ address: ads, authority, rootNamespace: "default" });
    await until(() => other.diagnostics().length > 0);
    expect(other.diagnostics()[0]?.message).toContain("whose node is of namespace istio-system, not default");
    const stranger = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    using foreign = await receivedConfig({ address: ads, authority: stranger });
    await until(() => foreign.diagnostics().length > 0);
    expect([...foreign.keys()]).toEqual([]);
    await stranger.close();
    await authority.close();
  });
});
