import type { EnvoyConfigPatch } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { expect, test } from "vitest";
import { createMeshSource } from "../../mesh-source.ts";
import { RESOURCE_TYPES } from "../../resource-type.ts";
import { translate } from "../translate.ts";

const HOST = "web.default.svc.cluster.local";
const merge = (applyTo: string, match: object, value: object = {}) =>
  ({ applyTo, match, patch: { operation: "MERGE", value } }) as EnvoyConfigPatch;
const insert = (applyTo: string, match: object) =>
  ({ applyTo, match, patch: { operation: "INSERT_BEFORE", value: { name: "mine" } } }) as EnvoyConfigPatch;

/** Each patch, and whether it is told that it matched nothing. */
const PATCHES: readonly (readonly [EnvoyConfigPatch, boolean])[] = [
  [merge("CLUSTER", { cluster: { service: HOST } }, { perConnectionBufferLimitBytes: 9 }), false],
  [merge("CLUSTER", { cluster: { service: "absent.example" } }), true],
  [merge("LISTENER", { listener: { name: "0.0.0.0_80" } }, { tcpBacklogSize: 9 }), false],
  [merge("LISTENER", { listener: { portNumber: 81 } }), true],
  [insert("HTTP_FILTER", { context: "SIDECAR_OUTBOUND" }), false],
  [insert("HTTP_FILTER", { listener: { filterChain: { filter: { name: "absent" } } } }), true],
  [merge("ROUTE_CONFIGURATION", { context: "SIDECAR_INBOUND" }, { requestHeadersToRemove: ["x"] }), false],
  [merge("ROUTE_CONFIGURATION", { routeConfiguration: { name: "80" } }, { requestHeadersToRemove: ["y"] }), false],
  [merge("ROUTE_CONFIGURATION", { routeConfiguration: { name: "81" } }), true],
  [merge("VIRTUAL_HOST", { routeConfiguration: { vhost: { name: "absent" } } }), true],
  // Another kind of proxy, and what is gone already.
  [merge("ROUTE_CONFIGURATION", { context: "GATEWAY" }), false],
  [{ applyTo: "CLUSTER", match: { cluster: { name: "absent" } }, patch: { operation: "REMOVE" } }, false],
];

const expected = PATCHES.flatMap(([, told], index) => (told ? [`spec.configPatches[${index}].match`] : []));
const mesh = Mesh.of({
  meshConfig: {},
  services: [aService(HOST, { ports: [{ number: 80, name: "http", protocol: "HTTP" }] })],
  config: [anObject("EnvoyFilter", "f", { configPatches: PATCHES.map(([patch]) => patch) })],
});
const paths = (diagnostics: readonly { readonly code: string; readonly path: string }[]) =>
  diagnostics.flatMap(({ code, path }) => (code === "patch-unmatched" ? [path] : []));

test("patches that match nothing of a proxy are told, each once", () => {
  expect(paths(translate(mesh, aNode()).diagnostics)).toEqual(expected);
});

test("a server's source tells the same", () => {
  const source = createMeshSource(mesh);
  const peer = { address: "x", transport: "unix", certificate: undefined, identities: [], metadata: () => [] } as const;
  const opened = source.open({ id: "sidecar~10.0.0.1~client-1.default~x" }, peer, () => undefined);
  for (const { shortName, typeUrl } of RESOURCE_TYPES)
    if (["CDS", "LDS", "RDS"].includes(shortName)) opened.get(typeUrl);
  expect(paths(source.diagnostics()).sort()).toEqual([...expected].sort());
  opened.close();
});
