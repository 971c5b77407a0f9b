import type { ConsistentHash, Destination, DestinationRule, TrafficPolicy } from "@fairlead/config";
import { aNode, anObject, aService } from "@fairlead/mesh/testing";
import { expect, test } from "vitest";
import { consistentHashOfDestination, consistentHashOfService, hashPolicyOf } from "./hash-policy.ts";
import { meshOf, REVIEWS, reading } from "./testing.ts";

test.each<[ConsistentHash, object | undefined]>([
  [{ httpHeaderName: "x" }, { header: { headerName: "x" } }],
  [{ httpQueryParameterName: "q" }, { queryParameter: { name: "q" } }],
  [{ useSourceIp: true }, { connectionProperties: { sourceIp: true } }],
  [{ useSourceIp: false }, { connectionProperties: {} }],
  [{ httpCookie: { name: "c" } }, { cookie: { name: "c" } }],
  [
    {
      httpCookie: {
        name: "c",
        path: "/",
        ttl: "1m",
        attributes: [{ name: "Secure" }, { name: "SameSite", value: "Lax" }],
      },
    },
    {
      cookie: {
        name: "c",
        path: "/",
        ttl: "60s",
        attributes: [{ name: "Secure" }, { name: "SameSite", value: "Lax" }],
      },
    },
  ],
  [{ httpCookie: { name: "c", ttl: "0s" } }, { cookie: { name: "c", ttl: "0s" } }],
  [{ ringHash: {} }, undefined],
])("%j", (hash, expected) => {
  expect(hashPolicyOf(hash)).toEqual(expected);
});

const by = (httpHeaderName: string): TrafficPolicy => ({ loadBalancer: { consistentHash: { httpHeaderName } } });
const ofPort = (number: number, name: string) => ({ port: { number }, ...by(name) });
const spec: DestinationRule = {
  host: "reviews",
  trafficPolicy: { ...by("rule"), portLevelSettings: [ofPort(9080, "port"), { port: { number: 81 } }] },
  subsets: [
    { name: "v1", trafficPolicy: by("subset") },
    { name: "v2", trafficPolicy: { ...by("subset"), portLevelSettings: [ofPort(9080, "subset-port")] } },
    { name: "v3" },
  ],
};
const mesh = meshOf([aService(REVIEWS)], [anObject("DestinationRule", "reviews", spec)]);

test.each<[Omit<Destination, "host">, string, string]>([
  [{}, "rule", "spec.trafficPolicy.loadBalancer.consistentHash"],
  [{ port: { number: 9080 } }, "port", "spec.trafficPolicy.portLevelSettings[0].loadBalancer.consistentHash"],
  [{ port: { number: 82 } }, "rule", "spec.trafficPolicy.loadBalancer.consistentHash"],
  [{ subset: "v1", port: { number: 9080 } }, "subset", "spec.subsets[0].trafficPolicy.loadBalancer.consistentHash"],
  [
    { subset: "v2", port: { number: 9080 } },
    "subset-port",
    "spec.subsets[1].trafficPolicy.portLevelSettings[0].loadBalancer.consistentHash",
  ],
  [{ subset: "v3" }, "rule", "spec.trafficPolicy.loadBalancer.consistentHash"],
])("destination %j hashes by %s", (destination, header, path) => {
  const found = reading(mesh, aNode(), (read) => consistentHashOfDestination(read, { host: REVIEWS, ...destination }));
  expect(found).toMatchObject({ hash: { httpHeaderName: header }, path, source: { name: "reviews" } });
});

test.each([
  [9080, "port"],
  [80, "rule"],
  [81, "rule"],
])("the service at port %i hashes by %s", (port, header) => {
  const service = { hostname: REVIEWS, namespace: "default" };
  const found = reading(mesh, aNode(), (read) => consistentHashOfService(read, service, port));
  expect(found).toMatchObject({ hash: { httpHeaderName: header } });
});

test("an unknown host has no rule", () => {
  expect(reading(mesh, aNode(), (read) => consistentHashOfDestination(read, { host: "nobody" }))).toBeUndefined();
});
