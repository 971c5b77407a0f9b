import { expect, test } from "vitest";
import { mergeMessage, mergeTyped } from "./merge.ts";

const LISTENER = "envoy.config.listener.v3.Listener";

test("fields replace, messages merge, lists grow, and nothing given is changed", () => {
  const base = {
    name: "a",
    listenerFiltersTimeout: "1s",
    address: { socketAddress: { address: "0.0.0.0", portValue: 80 } },
    listenerFilters: [{ name: "x" }],
  };
  const merged = mergeMessage<object>(LISTENER, base, {
    listenerFiltersTimeout: "2s",
    address: { socketAddress: { portValue: 81 } },
    listenerFilters: [{ name: "y" }],
  });
  expect(merged).toEqual({
    name: "a",
    listenerFiltersTimeout: "2s",
    address: { socketAddress: { address: "0.0.0.0", portValue: 81 } },
    listenerFilters: [{ name: "x" }, { name: "y" }],
  });
  expect(base.address.socketAddress.portValue).toBe(80);
});

test("lists are replaced where the operation says so", () => {
  const base = { listenerFilters: [{ name: "x" }] };
  expect(mergeMessage<object>(LISTENER, base, { listenerFilters: [{ name: "y" }] }, true)).toEqual({
    listenerFilters: [{ name: "y" }],
  });
});

test("a oneof keeps what was set last", () => {
  const route = { route: { cluster: "a", timeout: "1s" } };
  expect(mergeMessage<object>("envoy.config.route.v3.Route", route, { redirect: { hostRedirect: "b" } })).toEqual({
    redirect: { hostRedirect: "b" },
  });
});

test("map entries are replaced, others stay", () => {
  const base = { filterMetadata: { a: { x: 1, y: 2 }, b: { z: 3 } } };
  expect(mergeMessage<object>("envoy.config.core.v3.Metadata", base, { filterMetadata: { a: { x: 9 } } })).toEqual({
    filterMetadata: { a: { x: 9 }, b: { z: 3 } },
  });
});

test("typed configurations merge when they are of one known type", () => {
  const type = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
  expect(mergeTyped({ "@type": type, cluster: "a" }, { "@type": type, idleTimeout: "5s" })).toEqual({
    "@type": type,
    cluster: "a",
    idleTimeout: "5s",
  });
  expect(mergeTyped({ "@type": type }, { "@type": "type.googleapis.com/udpa.type.v1.TypedStruct" })).toBeUndefined();
});
