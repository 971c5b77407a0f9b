import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { LOAD_CLIENT_SOURCE, measureDiscovery } from "../../bench/discovery.ts";
import { hasTool } from "../support/tool.ts";

/** A client in Go that boots like Envoy, written apart from this server; `fairlead serve` as a process of its own. */
const here = existsSync(LOAD_CLIENT_SOURCE) && (await hasTool("go", ["version"], "the load client"));
if (!here && process.env.CI) throw new Error(`the load client's source is not at ${LOAD_CLIENT_SOURCE}`);
if (!here) console.error("skipped: the load client cannot be built here");

it.skipIf(!here).each(["delta", "sotw"] as const)("20 clients sync, and all accept each change, %s", async (mode) => {
  const found = await measureDiscovery({ mode, clients: 20, services: 200, iterations: 3 });
  expect(found).toMatchObject({ synced: 20, acked: [20, 20, 20] });
  expect(found.pushP99).toBeLessThan(10_000);
});
