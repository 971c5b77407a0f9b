// A registry of one's own: any object with four collections. A change in it reaches the endpoints of every proxy.
import { memoryStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import type { Endpoint, Namespace, Service, ServiceEndpoints, Workload } from "@fairlead/model";
import { MemoryCollection } from "@fairlead/model";
import type { Registry } from "@fairlead/registry";
import { createDiscoveryClient } from "@fairlead/xds";

/** Services of an inventory: names with the addresses they run on. */
function inventory() {
  const services = new MemoryCollection<Service>();
  const endpoints = new MemoryCollection<ServiceEndpoints>();
  const [workloads, namespaces] = [new MemoryCollection<Workload>(), new MemoryCollection<Namespace>()];
  const ready = Promise.resolve();
  const common = { registry: "Inventory", namespace: "inventory", labels: {} };
  const service = { ...common, addresses: [], exportTo: [], subjectAltNames: [], meshExternal: false } as const;
  const instance = { ...common, ports: { http: 8080 }, serviceAccount: "", network: "", clusterId: "" };
  const locality = { region: "", zone: "", subzone: "" };
  const place = (name: string, addresses: readonly string[]) => {
    const hostname = `${name}.inventory.internal`;
    const source = { kind: "InventoryItem", namespace: "inventory", name };
    const ports = [{ number: 80, name: "http", protocol: "HTTP" }] as const;
    services.set(`inventory/${hostname}`, { ...service, name, hostname, source, ports, resolution: "ClientSideLB" });
    const list = addresses.map(
      (address): Endpoint => ({ ...instance, addresses: [address], locality, health: "healthy", tlsMode: "disabled" }),
    );
    endpoints.set(`inventory/${hostname}`, { hostname, namespace: "inventory", endpoints: list });
  };
  const sources = { services, endpoints, workloads, namespaces };
  const registry: Registry = { name: "Inventory", ...sources, ready, diagnostics: () => [], close: () => {} };
  return { registry, place };
}

const { registry, place } = inventory();
place("orders", ["10.1.0.1"]);
await using plane = await createControlPlane({ config: memoryStore(), registries: [registry] });
const { ads } = await plane.listen({ ads: "127.0.0.1:0" });

const moved = Promise.withResolvers<void>();
using client = createDiscoveryClient({
  address: ads,
  node: { id: "sidecar~10.0.0.9~page-1.default~default.svc.cluster.local" },
  subscriptions: {
    "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment": ["outbound|80||orders.inventory.internal"],
  },
  onResources({ resources }) {
    const addresses = JSON.stringify(resources.map(({ json }) => json)).match(/10\.1\.0\.\d+/g) ?? [];
    console.log("endpoints of orders:", addresses.join(", "));
    if (addresses.length === 1) setImmediate(() => place("orders", ["10.1.0.2", "10.1.0.3"]));
    else moved.resolve();
    return undefined;
  },
});
await moved.promise;
console.log("connected until the end:", client.connected);
