// Two control planes with one configuration: the second takes it from the first over xDS, as istiod could. A change goes
// over what was read only, somebody else's loses, and a rollback brings both planes back.
import { ConfigError, configHistory, memoryStore, serviceEntry, virtualService } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { xdsConfigStore } from "@fairlead/xds/config";

const shop = serviceEntry("shop", {
  hosts: ["shop.example.com"],
  ports: [{ number: 80, name: "http", protocol: "HTTP" }],
  location: "MESH_INTERNAL",
  resolution: "STATIC",
  endpoints: [{ address: "10.0.0.1" }],
});
const rules = (timeout: `${number}s`) =>
  virtualService("shop", {
    hosts: ["shop.example.com"],
    http: [{ route: [{ destination: { host: "shop.example.com" } }], timeout }],
  });
const ref = { kind: "VirtualService", namespace: "default", name: "shop" };

const store = memoryStore();
using history = configHistory(store, { limit: 10 });
await using first = await createControlPlane({ config: store, shareConfig: true });
const { ads } = await first.listen({ ads: "127.0.0.1:0" });

using received = xdsConfigStore({ address: ads });
await received.ready;
await using _second = await createControlPlane({ config: received });

/** Resolves once the second plane's store says so. */
async function arrives(timeout: string): Promise<void> {
  const said = () => JSON.stringify(received.get("VirtualService/default/shop")?.spec) ?? "";
  while (!said().includes(`"timeout":"${timeout}"`))
    await new Promise<void>((resolve) => {
      const stop = received.subscribe(() => {
        stop();
        resolve();
      });
    });
  console.log(`the second control plane has a timeout of ${timeout}`);
}

await store.transact([
  { put: shop, expect: null },
  { put: rules("2s"), expect: null },
]); // both or none
await arrives("2s");

const read = store.stored(ref)?.revision ?? "";
await store.transact([{ put: rules("5s"), expect: read }]);
await arrives("5s");
await store.transact([{ put: rules("9s"), expect: read }]).catch((error: unknown) => {
  if (error instanceof ConfigError && error.code === "CONFLICT") console.log(`refused: ${error.message}`);
});

await history.rollback(1);
await arrives("2s");
console.log(`version ${history.version} is version 1 again`);
