import type { EnvoyConfigPatch } from "@fairlead/config";
import { Derivations, Mesh, type Query } from "@fairlead/mesh";
import { aNode, anObject } from "@fairlead/mesh/testing";
import { describe, expect, test } from "vitest";
import type { Listener } from "../../proto/types.ts";
import { generated } from "../generated.ts";
import { typed } from "../listener/typed.ts";
import { patchedListener } from "./listener-patch.ts";
import { type PatchContext, patchDiagnostics } from "./patches.ts";
import { unmatchedPatches } from "./unmatched.ts";

const MANAGER = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const manager = (...names: string[]) => ({
  name: "envoy.filters.network.http_connection_manager",
  typedConfig: typed(MANAGER, { statPrefix: "s", httpFilters: names.map((name) => ({ name })) }),
});
const aListener = (): Listener => ({
  name: "0.0.0.0_80",
  address: { socketAddress: { address: "0.0.0.0", portValue: 80 } },
  listenerFilters: [{ name: "tls" }],
  filterChains: [
    { name: "web", filterChainMatch: { serverNames: ["a.example.com"] }, filters: [manager("rbac", "router")] },
    { name: "raw", filters: [{ name: "tcp" }] },
  ],
});

function patched(patches: readonly EnvoyConfigPatch[], context: PatchContext = "SIDECAR_OUTBOUND") {
  const object = anObject("EnvoyFilter", "p", { configPatches: patches });
  const query: Query<void, { listener: Listener | undefined; problems: string[] }> = {
    name: "patched",
    key: () => "",
    compute(read) {
      const made = generated(read, "x", (build) => patchedListener(build, aListener(), context));
      const unmatched = unmatchedPatches(read, "listeners", new Set(made.patches));
      const problems = [...patchDiagnostics(read), ...made.diagnostics, ...unmatched].map(
        ({ code, path }) => `${code} ${path}`,
      );
      return { listener: made.resource, problems };
    },
  };
  return new Derivations(Mesh.of({ meshConfig: {}, config: [object] })).ask(query, undefined, aNode());
}

const httpFilters = (listener: Listener | undefined) => {
  const config = listener?.filterChains?.[0]?.filters?.[0]?.typedConfig;
  return (config as { httpFilters?: { name: string }[] } | undefined)?.httpFilters?.map(({ name }) => name);
};
const inHttp = (operation: string, subFilter?: string): EnvoyConfigPatch => ({
  applyTo: "HTTP_FILTER",
  match: {
    listener: {
      filterChain: {
        filter: {
          name: "envoy.filters.network.http_connection_manager",
          ...(subFilter ? { subFilter: { name: subFilter } } : {}),
        },
      },
    },
  },
  patch: { operation: operation as "ADD", value: { name: "mine" } },
});

describe("HTTP filters", () => {
  test.each([
    [inHttp("INSERT_BEFORE", "router"), ["rbac", "mine", "router"]],
    [inHttp("INSERT_AFTER", "rbac"), ["rbac", "mine", "router"]],
    [inHttp("INSERT_FIRST"), ["mine", "rbac", "router"]],
    [inHttp("INSERT_BEFORE"), ["mine", "rbac", "router"]],
    [inHttp("ADD"), ["rbac", "router", "mine"]],
    [inHttp("REPLACE", "rbac"), ["mine", "router"]],
    [inHttp("REMOVE", "rbac"), ["router"]],
    [inHttp("INSERT_BEFORE", "absent"), ["rbac", "router"]],
  ])("%j", (patch, names) => {
    expect(httpFilters(patched([patch]).listener)).toEqual(names);
  });
});

test("typed configurations are merged, in either spelling", () => {
  const { listener, problems } = patched([
    {
      applyTo: "NETWORK_FILTER",
      match: { listener: { filterChain: { filter: { name: "envoy.filters.network.http_connection_manager" } } } },
      patch: {
        operation: "MERGE",
        value: { typed_config: { "@type": `type.googleapis.com/${MANAGER}`, stream_idle_timeout: "7s" } },
      },
    },
  ]);
  expect(problems).toEqual([]);
  expect(listener?.filterChains?.[0]?.filters?.[0]?.typedConfig).toMatchObject({
    statPrefix: "s",
    streamIdleTimeout: "7s",
  });
});

test("chains and listeners are removed, added and merged", () => {
  const chain = (sni: string) => ({ listener: { filterChain: { sni } } });
  const { listener } = patched([
    { applyTo: "FILTER_CHAIN", match: chain("a.example.com"), patch: { operation: "REMOVE" } },
    { applyTo: "FILTER_CHAIN", patch: { operation: "ADD", value: { name: "new", filters: [{ name: "echo" }] } } },
    {
      applyTo: "LISTENER",
      match: { listener: { portNumber: 80 } },
      patch: { operation: "MERGE", value: { tcp_backlog_size: 9 } },
    },
    { applyTo: "LISTENER_FILTER", patch: { operation: "INSERT_FIRST", value: { name: "proxy" } } },
  ]);
  expect(listener?.filterChains?.map(({ name }) => name)).toEqual(["raw", "new"]);
  expect(listener?.listenerFilters?.map(({ name }) => name)).toEqual(["proxy", "tls"]);
  expect(listener?.tcpBacklogSize).toBe(9);
  expect(patched([{ applyTo: "LISTENER", patch: { operation: "REMOVE" } }]).listener).toBeUndefined();
});

test.each<readonly [EnvoyConfigPatch["match"], boolean]>([
  [{}, true],
  [{ context: "SIDECAR_OUTBOUND" }, true],
  [{ context: "GATEWAY" }, false],
  [{ listener: { portNumber: 81 } }, false],
  [{ listener: { name: "other" } }, false],
  [{ proxy: { proxyVersion: "^1\\." } }, false],
  [{ cluster: { name: "x" } }, false],
])("a patch with %j applies: %s", (match, applies) => {
  const { listener } = patched([
    { applyTo: "LISTENER", ...(match ? { match } : {}), patch: { operation: "MERGE", value: { tcpBacklogSize: 9 } } },
  ]);
  expect(listener?.tcpBacklogSize === 9).toBe(applies);
});

test("what is wrong with patches is said", () => {
  const { problems, listener } = patched([
    { applyTo: "LISTENER", patch: { operation: "MERGE", value: { nmae: "x" } } },
    { applyTo: "BOOTSTRAP", patch: { operation: "MERGE", value: {} } },
    {
      applyTo: "HTTP_FILTER",
      match: { listener: { portNumber: 80, filterChain: { filter: { name: "absent" } } } },
      patch: { operation: "ADD", value: { name: "mine" } },
    },
  ]);
  expect(problems).toEqual([
    "patch-invalid spec.configPatches[0].patch.value.nmae",
    "effect-at-start spec.configPatches[1].applyTo",
    "patch-unmatched spec.configPatches[2].match",
  ]);
  expect(listener).toEqual(aListener());
});
