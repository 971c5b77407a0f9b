import type { EnvoyConfigPatch } from "@fairlead/config";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import type { ProxyNode } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import { meshOf, REVIEWS, reviewsRoutes, routeConfiguration, sourceOf } from "./testing.ts";

const VHOST = `${REVIEWS}:9080`;

const virtualService = reviewsRoutes({
  http: [
    { name: "a", match: [{ uri: { prefix: "/a" } }], route: [{ destination: { host: "reviews" } }] },
    { name: "b", match: [{ uri: { prefix: "/b" } }], redirect: { uri: "/a" } },
    { name: "c", route: [{ destination: { host: "reviews" } }] },
  ],
});

function filter(...configPatches: readonly EnvoyConfigPatch[]) {
  return anObject("EnvoyFilter", "f", { configPatches });
}

function patched(...configPatches: readonly EnvoyConfigPatch[]) {
  const mesh = meshOf([aService(REVIEWS)], [virtualService, filter(...configPatches)]);
  const { resource } = routeConfiguration(mesh, aNode(), "9080");
  const host = resource.virtualHosts?.find(({ name }) => name === VHOST);
  return { resource, host, hosts: resource.virtualHosts?.map(({ name }) => name) };
}

describe("route configurations", () => {
  const value = { request_headers_to_remove: ["x"] };
  const merge = (match: EnvoyConfigPatch["match"]): EnvoyConfigPatch => ({
    applyTo: "ROUTE_CONFIGURATION",
    ...(match ? { match } : {}),
    patch: { operation: "MERGE", value },
  });
  test.each<[string, EnvoyConfigPatch["match"], boolean]>([
    ["all", undefined, true],
    ["by name", { routeConfiguration: { name: "9080" } }, true],
    ["by another name", { routeConfiguration: { name: "80" } }, false],
    ["by port", { routeConfiguration: { portNumber: 9080 } }, true],
    ["by another port", { routeConfiguration: { portNumber: 80 } }, false],
    ["outbound", { context: "SIDECAR_OUTBOUND" }, true],
    ["inbound", { context: "SIDECAR_INBOUND" }, false],
    ["of gateways", { context: "GATEWAY" }, false],
    ["meant for a listener", { listener: { portNumber: 9080 } }, false],
  ])("%s", (_, match, applied) => {
    expect(patched(merge(match)).resource.requestHeadersToRemove).toEqual(applied ? ["x"] : undefined);
  });
});

describe("virtual hosts", () => {
  const of = (operation: string, value: object | undefined, vhost?: object): EnvoyConfigPatch =>
    ({
      applyTo: "VIRTUAL_HOST",
      match: vhost && { routeConfiguration: { vhost } },
      patch: { operation, value },
    }) as never;

  test("merged by name or domain", () => {
    const value = { include_attempt_count_in_response: true };
    expect(patched(of("MERGE", value, { name: VHOST })).host?.includeAttemptCountInResponse).toBe(true);
    expect(patched(of("MERGE", value, { domainName: "reviews" })).host?.includeAttemptCountInResponse).toBe(true);
    expect(patched(of("MERGE", value, { name: "allow_any" })).host).not.toHaveProperty("includeAttemptCountInResponse");
  });

  test("replaced, removed, added", () => {
    const value = { name: "other", domains: ["other.example"] };
    expect(patched(of("REPLACE", value, { name: VHOST })).hosts).toEqual(["other", "allow_any"]);
    expect(patched(of("REMOVE", undefined, { name: VHOST })).hosts).toEqual(["allow_any"]);
    expect(patched(of("ADD", value)).hosts).toEqual([VHOST, "allow_any", "other"]);
  });
});

describe("routes", () => {
  const value = { name: "new", match: { prefix: "/new" }, direct_response: { status: 200 } };
  const of = (operation: string, route?: object): EnvoyConfigPatch =>
    ({
      applyTo: "HTTP_ROUTE",
      match: { routeConfiguration: { vhost: { name: VHOST, ...(route ? { route } : {}) } } },
      patch: { operation, value },
    }) as never;

  test.each<[string, object | undefined, string]>([
    ["ADD", undefined, "a b c new"],
    ["INSERT_FIRST", undefined, "new a b c"],
    ["INSERT_FIRST", { name: "b" }, "new a b c"],
    ["INSERT_FIRST", { name: "z" }, "a b c"],
    ["INSERT_BEFORE", undefined, "new a b c"],
    ["INSERT_BEFORE", { name: "b" }, "a new b c"],
    ["INSERT_BEFORE", { name: "z" }, "a b c"],
    ["INSERT_AFTER", undefined, "a b c new"],
    ["INSERT_AFTER", { action: "REDIRECT" }, "a b new c"],
    ["REMOVE", { action: "ROUTE" }, "b"],
    ["REMOVE", { name: "a", action: "REDIRECT" }, "a b c"],
    ["REMOVE", { action: "ANY" }, ""],
    ["REMOVE", undefined, ""],
  ])("%s %j", (operation, route, names) => {
    const { host } = patched(of(operation, route));
    expect((host?.routes ?? []).map(({ name }) => name).join(" ")).toBe(names);
  });

  test("merged, with what is not said as it was", () => {
    const merge = { ...of("MERGE", { name: "a" }), patch: { operation: "MERGE", value: { route: { timeout: "7s" } } } };
    const route = patched(merge as EnvoyConfigPatch).host?.routes?.[0];
    expect(route).toMatchObject({ name: "a", route: { timeout: "7s", cluster: `outbound|9080||${REVIEWS}` } });
  });
});

test("what is shared with other proxies is not written to", () => {
  const applied = filter({ applyTo: "HTTP_ROUTE", patch: { operation: "MERGE", value: { stat_prefix: "p" } } });
  const elsewhere = { ...applied, metadata: { ...applied.metadata, namespace: "other" } };
  const mesh = meshOf([aService(REVIEWS)], [virtualService, elsewhere]);
  const prefixes = (node: ProxyNode) =>
    routeConfiguration(mesh, node, "9080").resource.virtualHosts?.flatMap((host) =>
      host.routes?.map((one) => one.statPrefix),
    );
  expect(prefixes(aNode("c-1.other"))).toEqual(["p", "p", "p", "p"]);
  expect(prefixes(aNode())).toEqual([undefined, undefined, undefined, undefined]);
});

test("a patched route comes from where it came from, and the patch is a source", () => {
  const object = filter({
    applyTo: "HTTP_ROUTE",
    match: { routeConfiguration: { vhost: { route: { name: "a" } } } },
    patch: { operation: "MERGE", value: { stat_prefix: "p" } },
  });
  const provenance = new WeakMap();
  const mesh = meshOf([aService(REVIEWS)], [virtualService, object]);
  const { resource, sources } = routeConfiguration(mesh, aNode(), "9080", provenance);
  const [route] = resource.virtualHosts?.[0]?.routes ?? [];
  expect(route?.statPrefix).toBe("p");
  expect(provenance.get(route ?? {})).toEqual(sourceOf(virtualService, "spec.http[0]"));
  expect(sources.map(({ kind }) => kind)).toContain("EnvoyFilter");
});

describe("gateways", () => {
  const router: ProxyNode = { ...aNode("gw-1.default"), type: "router" };
  const gateway = anObject("Gateway", "g", {
    servers: [
      { port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["*"] },
      {
        port: { number: 443, name: "https", protocol: "HTTPS" },
        hosts: ["*"],
        tls: { mode: "SIMPLE", credentialName: "c" },
      },
    ],
  });
  const patch = (routeConfiguration: object): EnvoyConfigPatch => ({
    applyTo: "ROUTE_CONFIGURATION",
    match: { context: "GATEWAY", routeConfiguration },
    patch: { operation: "MERGE", value: { request_headers_to_remove: ["x"] } },
  });
  const HTTPS = "https.443.https.g.default";

  test.each<[object, readonly string[]]>([
    [{ portNumber: 80 }, ["http.80"]],
    [{ portNumber: 443 }, [HTTPS]],
    [{ portName: "https" }, [HTTPS]],
    [{ portName: "http" }, []],
    [{ gateway: "default/g" }, [HTTPS]],
    [{ gateway: "default/other" }, []],
    [{ name: HTTPS }, [HTTPS]],
    [{}, ["http.80", HTTPS]],
  ])("%j", (match, expected) => {
    const mesh = meshOf([], [gateway, filter(patch(match))]);
    const applied = ["http.80", HTTPS].filter(
      (name) => routeConfiguration(mesh, router, name).resource.requestHeadersToRemove !== undefined,
    );
    expect(applied).toEqual(expected);
  });
});
