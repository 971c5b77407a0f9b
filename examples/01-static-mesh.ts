// A control plane from YAML text: a client asks for what a sidecar is sent, then the text changes under it.
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { createDiscoveryClient, RESOURCE_TYPES } from "@fairlead/xds";

const shop = (weight: number) => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: reviews }
spec:
  hosts: [reviews.example.com]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints:
    - { address: 10.0.0.1, labels: { version: v1 } }
    - { address: 10.0.0.2, labels: { version: v2 } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec: { host: reviews.example.com, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews.example.com]
  http:
    - route:
        - { destination: { host: reviews.example.com, subset: v1 }, weight: ${100 - weight} }
        - { destination: { host: reviews.example.com, subset: v2 }, weight: ${weight} }
`;

const store = textStore({ "shop.yaml": shop(10) });
await using plane = await createControlPlane({ config: store });
const { ads } = await plane.listen({ ads: "127.0.0.1:0" });
console.log(`serving on ${ads}`);

const moved = Promise.withResolvers<void>();
const typeUrl = (name: string) => RESOURCE_TYPES.find(({ shortName }) => shortName === name)?.typeUrl ?? "";
using client = createDiscoveryClient({
  address: ads,
  node: { id: "sidecar~10.0.0.9~page-1.default~default.svc.cluster.local" },
  subscriptions: { [typeUrl("CDS")]: ["*"], [typeUrl("LDS")]: ["*"], [typeUrl("RDS")]: ["80"] },
  onResources({ typeUrl: type, resources }) {
    console.log(`${type.split(".").at(-1)}: ${resources.map(({ name }) => name).join(", ")}`);
    const weights = JSON.stringify(resources.map(({ json }) => json)).match(/"weight":\d+/g);
    if (weights) console.log(weights.join(" "));
    if (weights?.[0] === '"weight":90') setImmediate(() => store.set({ "shop.yaml": shop(50) }));
    if (weights?.[0] === '"weight":50') moved.resolve();
    return undefined; // accepted; a text would be a NACK
  },
});
await moved.promise;
console.log("connected until the end:", client.connected);
