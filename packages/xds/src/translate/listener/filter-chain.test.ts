import { anObject } from "@fairlead/mesh/testing";
import { expect, test } from "vitest";
import { type ChainPlan, configMetadata, conflicts, filterChain, matchesAll } from "./filter-chain.ts";

const filters: ChainPlan["filters"] = [];

test.each<readonly [Omit<ChainPlan, "filters">, boolean]>([
  [{}, true],
  [{ serverNames: ["*", "a.example.com"] }, true],
  [{ serverNames: ["a.example.com"] }, false],
  [{ destinations: ["10.0.0.0/8"] }, false],
  [{ transportProtocol: "raw_buffer" }, false],
  [{ applicationProtocols: ["h2c"] }, false],
])("%j takes everything: %s", (plan, all) => {
  expect(matchesAll({ ...plan, filters })).toBe(all);
});

test.each<readonly [Omit<ChainPlan, "filters">, Omit<ChainPlan, "filters">, boolean]>([
  [{}, {}, true],
  [{ destinations: ["1.2.3.4/8"] }, { destinations: ["1.5.6.7/8"] }, true],
  [{ destinations: ["1.2.3.4"] }, { destinations: ["1.2.3.5"] }, false],
  [{ destinations: ["0.0.0.0"] }, {}, true],
  [{ serverNames: ["a", "b"] }, { serverNames: ["b", "a", "*"] }, true],
  [{ serverNames: ["a"] }, {}, false],
  [{ transportProtocol: "tls" }, { transportProtocol: "raw_buffer" }, false],
])("%j and %j cannot be told apart: %s", (a, b, same) => {
  expect(conflicts({ ...a, filters }, { ...b, filters })).toBe(same);
});

test("a chain says what it matches, sorted, and gives the handshake 15 seconds", () => {
  expect(filterChain({ serverNames: ["b", "a"], destinations: ["10.0.0.0/8", "0.0.0.0"], filters })).toEqual({
    filterChainMatch: { serverNames: ["a", "b"], prefixRanges: [{ addressPrefix: "10.0.0.0", prefixLen: 8 }] },
    filters,
    transportSocketConnectTimeout: "15s",
  });
});

test("metadata names the object as the API server does", () => {
  expect(configMetadata(anObject("VirtualService", "te", {}))).toEqual({
    filterMetadata: {
      istio: { config: "/apis/networking.istio.io/v1/namespaces/default/virtual-service/te" },
    },
  });
});
