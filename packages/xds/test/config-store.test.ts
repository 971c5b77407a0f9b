import { type ConfigStore, configObject, destinationRule, memoryStore } from "@fairlead/config";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createConfigSource, xdsConfigStore } from "../src/config/index.ts";
import { createDiscoveryServer } from "../src/server/index.ts";

const name = fc.constantFrom("a", "b", "c", "d");
const action = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant("put" as const), name, host: fc.constantFrom("x.com", "y.com", "z.com") }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("delete" as const), name }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("other" as const), name }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("restart" as const) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("wait" as const), milliseconds: fc.nat(12) }) },
);

const contents = (store: ConfigStore) =>
  [...store.keys()].sort().map((key) => `${key} ${JSON.stringify(store.get(key)?.spec)}`);

describe.each(["sotw", "delta"] as const)("a store received over xDS (%s)", (mode) => {
  it("ends up as the store that is served, whatever happens to it and to the server", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 15 }), async (actions) => {
        const store = memoryStore();
        using source = createConfigSource(store);
        let server = createDiscoveryServer(source);
        const { address } = await server.listen({ address: "127.0.0.1:0" });
        using received = xdsConfigStore({ address, mode, backoff: { first: 2, limit: 10 } });
        const copy = new Map<string, unknown>();
        received.subscribe((changes) => {
          for (const { key, value } of changes)
            if (value) copy.set(key, value);
            else copy.delete(key);
        });
        for (const one of actions)
          if (one.does === "put") store.put(destinationRule(one.name, { host: one.host }));
          else if (one.does === "delete")
            store.delete({ kind: "DestinationRule", namespace: "default", name: one.name });
          else if (one.does === "other") store.put(configObject("Sidecar", one.name, { egress: [{ hosts: ["./*"] }] }));
          else if (one.does === "wait") await new Promise((resolve) => setTimeout(resolve, one.milliseconds));
          else {
            await server.close();
            server = createDiscoveryServer(source);
            await server.listen({ address });
          }
        await received.ready;
        await expect.poll(() => contents(received), { timeout: 5000, interval: 3 }).toEqual(contents(store));
        expect([...copy.keys()].sort()).toEqual([...received.keys()].sort());
        received.close();
        await server.close();
      }),
      { numRuns: 10 },
    );
  });
});
