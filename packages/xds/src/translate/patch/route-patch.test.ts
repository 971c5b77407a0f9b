import type { EnvoyConfigPatch } from "@fairlead/config";
import { Derivations, Mesh, type Query } from "@fairlead/mesh";
import { aNode, anObject } from "@fairlead/mesh/testing";
import { expect, test } from "vitest";
import type { Cluster, RouteConfiguration } from "../../proto/types.ts";
import { generated } from "../generated.ts";
import { addedClusters, patchedClusters } from "./cluster-patch.ts";
import { patchedRoutes } from "./route-patch.ts";

const routes = (): RouteConfiguration => ({
  name: "9080",
  virtualHosts: [
    {
      name: "a:9080",
      domains: ["a"],
      routes: [
        { name: "one", route: { cluster: "x" } },
        { name: "two", redirect: {} },
      ],
    },
    { name: "allow_any", domains: ["*"], routes: [] },
  ],
});

function patchedBy<R>(patches: readonly EnvoyConfigPatch[], compute: Query<void, R>["compute"]): R {
  const object = anObject("EnvoyFilter", "p", { configPatches: patches });
  const mesh = Mesh.of({ meshConfig: {}, config: [object] });
  return new Derivations(mesh).ask({ name: "patched", key: () => "", compute }, undefined, aNode());
}

const routed = (...patches: EnvoyConfigPatch[]) =>
  patchedBy(
    patches,
    (read) => generated(read, "x", (build) => patchedRoutes(build, routes(), "SIDECAR_OUTBOUND")).resource,
  );

const vhost = (route?: { name?: string; action?: "ROUTE" | "REDIRECT" }) => ({
  routeConfiguration: { portNumber: 9080, vhost: { name: "a:9080", ...(route ? { route } : {}) } },
});
const names = (config: RouteConfiguration) => config.virtualHosts?.[0]?.routes?.map(({ name }) => name);

test("routes are inserted, merged and removed where they match", () => {
  const mine = { name: "mine", route: { cluster: "m" } };
  const change = (operation: "INSERT_FIRST" | "INSERT_AFTER" | "ADD", route?: { name: string }): EnvoyConfigPatch => ({
    applyTo: "HTTP_ROUTE",
    match: vhost(route),
    patch: { operation, value: mine },
  });
  expect(names(routed(change("INSERT_FIRST")))).toEqual(["mine", "one", "two"]);
  expect(names(routed(change("INSERT_FIRST", { name: "absent" })))).toEqual(["one", "two"]);
  expect(names(routed(change("INSERT_AFTER", { name: "one" })))).toEqual(["one", "mine", "two"]);
  expect(names(routed(change("ADD")))).toEqual(["one", "two", "mine"]);
  const merged = routed({
    applyTo: "HTTP_ROUTE",
    match: vhost({ action: "ROUTE" }),
    patch: { operation: "MERGE", value: { route: { timeout: "3s" } } },
  });
  expect(merged.virtualHosts?.[0]?.routes?.[0]).toEqual({ name: "one", route: { cluster: "x", timeout: "3s" } });
  const removed = routed({
    applyTo: "HTTP_ROUTE",
    match: vhost({ action: "REDIRECT" }),
    patch: { operation: "REMOVE" },
  });
  expect(names(removed)).toEqual(["one"]);
});

test("virtual hosts and the configuration itself", () => {
  const config = routed(
    { applyTo: "VIRTUAL_HOST", match: vhost(), patch: { operation: "REMOVE" } },
    { applyTo: "VIRTUAL_HOST", patch: { operation: "ADD", value: { name: "b", domains: ["b"] } } },
    { applyTo: "ROUTE_CONFIGURATION", patch: { operation: "MERGE", value: { request_headers_to_remove: ["x"] } } },
    {
      applyTo: "ROUTE_CONFIGURATION",
      match: { routeConfiguration: { portNumber: 1 } },
      patch: { operation: "MERGE", value: { name: "other" } },
    },
  );
  expect(config.virtualHosts?.map(({ name }) => name)).toEqual(["allow_any", "b"]);
  expect(config).toMatchObject({ name: "9080", requestHeadersToRemove: ["x"] });
});

test("clusters are merged, removed and added", () => {
  const patches: EnvoyConfigPatch[] = [
    {
      applyTo: "CLUSTER",
      match: { cluster: { service: "a.default.svc.cluster.local", portNumber: 80 } },
      patch: { operation: "MERGE", value: { connect_timeout: "9s" } },
    },
    { applyTo: "CLUSTER", match: { cluster: { name: "gone" } }, patch: { operation: "REMOVE" } },
    { applyTo: "CLUSTER", patch: { operation: "ADD", value: { name: "new", type: "STATIC" } } },
  ];
  const made = patchedBy(patches, (read) => {
    const clusters = ["outbound|80||a.default.svc.cluster.local", "gone", "other"].map((name) =>
      generated(read, name, (): Cluster => ({ name, connectTimeout: "1s" })),
    );
    return [...patchedClusters(read, clusters, "SIDECAR_OUTBOUND"), ...addedClusters(read, ["SIDECAR_OUTBOUND"])];
  });
  expect(made.map(({ name, resource }) => [name, resource.connectTimeout])).toEqual([
    ["outbound|80||a.default.svc.cluster.local", "9s"],
    ["other", "1s"],
    ["new", undefined],
  ]);
  expect(made[0]?.sources).toEqual([{ kind: "EnvoyFilter", namespace: "default", name: "p" }]);
});
