import { type Locality, parseLocality } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import { priorityOf } from "./failover-priority.ts";
import { type Group, withoutGaps } from "./group.ts";
import { distance, distributed, matchesLocality, regionDistance } from "./locality-priority.ts";

const at = (text: string): Locality => parseLocality(text);
const group = (locality: string, weight = 1, priority = 0): Group => ({
  locality: at(locality),
  members: [
    {
      endpoint: { labels: {}, network: "", clusterId: "", addresses: [] },
      mutualTls: false,
      made: { loadBalancingWeight: weight },
    },
  ],
  weight,
  priority,
});

test.each([
  ["r/z/s", [], 0],
  ["r/z/other", [], 1],
  ["r/other/s", [], 2],
  ["other/z/s", [], 3],
  ["other/z/s", [{ from: "r", to: "other" }], 3],
  ["third/z/s", [{ from: "r", to: "other" }], 4],
  ["third/z/s", [{ from: "x", to: "other" }], 3],
])("from r/z/s to %s", (locality, failover, expected) => {
  expect(distance(at("r/z/s"), at(locality), failover)).toBe(expected);
});

test("zone-aware failover goes by region", () => {
  const failover = [{ from: "r", to: "b" }];
  expect(["r/x", "b", "c"].map((locality) => regionDistance(at("r/z"), at(locality), failover))).toEqual([0, 1, 2]);
});

test.each([
  ["*", true],
  ["r", true],
  ["r/*", true],
  ["r/z/*", true],
  ["r/z/s", true],
  ["r/other", false],
  ["other", false],
  ["*/z", true],
])("r/z/s falls under %s: %s", (pattern, expected) => {
  expect(matchesLocality(at("r/z/s"), pattern)).toBe(expected);
});

describe("distribute", () => {
  const weights = (groups: readonly Group[]) => groups.map(({ weight, members }) => (members.length > 0 ? weight : 0));
  const groups = [group("a/1", 1), group("a/2", 3), group("b/1", 5)];
  test.each([
    ["no setting for the client", "x", [{ from: "a", to: { b: 100 } }], [1, 3, 5]],
    [
      "shares by weight within a target, rounded up",
      "a",
      [{ from: "a/*", to: { "a/*": 70, "b/*": 30 } }],
      [18, 53, 30],
    ],
    ["what is not named gets nothing", "a", [{ from: "*", to: { "b/1": 100 } }], [0, 0, 100]],
    ["the more specific target goes first", "a", [{ from: "*", to: { "a/*": 90, "a/1": 10 } }], [10, 90, 0]],
    [
      "the first that matches the client holds",
      "a/1",
      [
        { from: "a/1", to: { "a/1": 100 } },
        { from: "*", to: { b: 100 } },
      ],
      [100, 0, 0],
    ],
  ])("%s", (_, client, distribute, expected) => {
    expect(weights(distributed(at(client), groups, distribute))).toEqual(expected);
  });
});

test("priorities have no gaps", () => {
  const priorities = (list: readonly number[]) =>
    withoutGaps(list.map((priority) => group("a", 1, priority))).map(({ priority }) => priority);
  expect(priorities([3, 0, 7, 3])).toEqual([1, 0, 2, 1]);
  expect(priorities([])).toEqual([]);
});

describe("failoverPriority", () => {
  const wanted = [
    ["topology.istio.io/network", "n1"],
    ["region", "r"],
    ["zone", "z"],
  ] as const;
  test.each([
    [{ "topology.istio.io/network": "n1", region: "r", zone: "z" }, 0],
    [{ "topology.istio.io/network": "n1", region: "r", zone: "y" }, 1],
    [{ "topology.istio.io/network": "n1", region: "q", zone: "z" }, 2],
    [{ "topology.istio.io/network": "n2", region: "r", zone: "z" }, 3],
    [{ "topology.istio.io/network": "n2", region: "q", zone: "z" }, 5],
    [{}, 5],
  ])("%j is %i", (labels: Readonly<Record<string, string>>, expected) => {
    expect(priorityOf(labels, wanted)).toBe(expected);
  });

  test("without a network in front, the first label decides most", () => {
    const plain = [
      ["region", "r"],
      ["version", "v1"],
    ] as const;
    expect([{ region: "r", version: "v1" }, { region: "r" }, {}].map((labels) => priorityOf(labels, plain))).toEqual([
      0, 1, 2,
    ]);
  });
});
