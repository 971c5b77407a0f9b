import { anObject } from "@fairlead/mesh/testing";
import { expect, test } from "vitest";
import { type ChainPlan, ChainSet, configMetadata, filterChain, matchesAll } from "./filter-chain.ts";

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

type Match = Omit<ChainPlan, "filters">;

test.each<readonly [Match, Match, readonly string[]]>([
  [{}, {}, ["everything"]],
  [{ destinations: ["1.2.3.4/8"] }, { destinations: ["1.5.6.7/8"] }, ["everything"]],
  [{ destinations: ["1.2.3.4"] }, { destinations: ["1.2.3.5"] }, []],
  [{ destinations: ["0.0.0.0"] }, {}, ["everything"]],
  [{ serverNames: ["a", "b"] }, { serverNames: ["b", "a"] }, ["b", "a"]],
  [{ serverNames: ["a", "b"] }, { serverNames: ["b", "c"] }, ["b"]],
  [{ destinations: ["10.0.0.0/8"] }, { destinations: ["11.0.0.0/8", "10.1.0.0/8"] }, ["10.1.0.0/8"]],
  [
    { serverNames: ["a"], destinations: ["10.0.0.0/8"] },
    { serverNames: ["a", "b"], destinations: ["10.0.0.0/8", "11.0.0.0/8"] },
    ["a at 10.0.0.0/8"],
  ],
  [{ serverNames: ["a"] }, { serverNames: ["*"] }, []],
  [{ serverNames: ["a"] }, {}, []],
  [{ transportProtocol: "tls" }, { transportProtocol: "raw_buffer" }, []],
])("after %j, %j loses %j", (a, b, lost) => {
  const set = new ChainSet();
  set.add({ ...a, filters });
  expect(set.add({ ...b, filters }).lost).toEqual(lost);
});

test("what is left of a chain stays", () => {
  const set = new ChainSet();
  set.add({ serverNames: ["a", "b"], filters });
  set.add({ serverNames: ["b", "c"], filters });
  expect(set.chains.map(({ serverNames }) => serverNames)).toEqual([["a", "b"], ["c"]]);
});

test("what is left differs by address: several chains", () => {
  const set = new ChainSet();
  set.add({ serverNames: ["a"], destinations: ["10.0.0.0/8"], filters });
  set.add({ serverNames: ["a", "b"], destinations: ["10.0.0.0/8", "11.0.0.0/8"], filters });
  expect(set.chains.slice(1)).toEqual([
    { serverNames: ["b"], destinations: ["10.0.0.0/8"], filters },
    { serverNames: ["a", "b"], destinations: ["11.0.0.0/8"], filters },
  ]);
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
