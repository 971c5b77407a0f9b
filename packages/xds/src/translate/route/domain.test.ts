import { aNode, aService } from "@fairlead/mesh/testing";
import type { ProxyNode } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import { alternativeNames, serviceDomains } from "./domain.ts";
import { meshOf, REVIEWS, reading } from "./testing.ts";

const at = (dnsDomain: string, ipAddresses: readonly string[] = ["10.0.0.1"]): ProxyNode => ({
  ...aNode(),
  dnsDomain,
  ipAddresses,
});

test.each([
  [REVIEWS, "default.svc.cluster.local", [`${REVIEWS}.`, "reviews", "reviews.default.svc", "reviews.default"]],
  [REVIEWS, "other.svc.cluster.local", [`${REVIEWS}.`, "reviews.default", "reviews.default.svc"]],
  [REVIEWS, "default.svc.elsewhere", [`${REVIEWS}.`]],
  [REVIEWS, "", [`${REVIEWS}.`]],
  ["istio.io", "default.svc.cluster.local", ["istio.io."]],
  ["foo.local.campus.net", "local.campus.net", ["foo.local.campus.net.", "foo"]],
  ["foo.local.campus.net", "remote.campus.net", ["foo.local.campus.net.", "foo.local", "foo.local.campus"]],
  ["foo.local.campus.net", "example.com", ["foo.local.campus.net."]],
  ["campus.net", "local.campus.net", ["campus.net."]],
  ["10.0.0.1", "default.svc.cluster.local", []],
])("other names of %s at %j", (hostname, domain, expected) => {
  expect(reading(meshOf([]), at(domain), (read) => alternativeNames(read, hostname))).toEqual(expected);
});

describe("serviceDomains", () => {
  const of = (fields: Parameters<typeof aService>[1], node = at(""), port?: number, aliases: string[] = []) =>
    reading(meshOf([]), node, (read) => serviceDomains(read, aService("a.b", fields), aliases, port));

  test("addresses of the node's families, for Kubernetes", () => {
    const addresses = ["10.96.0.1", "fd00::1"];
    expect(of({ addresses }).domains).toEqual(["a.b", "a.b.", "10.96.0.1"]);
    expect(of({ addresses }, at("", ["fd00::2"])).domains).toEqual(["a.b", "a.b.", "[fd00::1]"]);
    expect(of({ addresses }, at("", ["10.0.0.1", "fd00::2"])).domains).toEqual([
      "a.b",
      "a.b.",
      "10.96.0.1",
      "[fd00::1]",
    ]);
    expect(of({ addresses, registry: "External" }).domains).toEqual(["a.b", "a.b.", "10.96.0.1", "[fd00::1]"]);
    expect(of({ addresses: ["0.0.0.0"] }).domains).toEqual(["a.b", "a.b."]);
  });

  test("with the port, for listeners of all ports", () => {
    expect(of({ addresses: ["10.96.0.1"] }, at(""), 80).domains).toEqual([
      ...["a.b", "a.b:80", "a.b.", "a.b.:80"],
      ...["10.96.0.1", "10.96.0.1:80"],
    ]);
  });

  test("headless Kubernetes services answer for their instances", () => {
    expect(of({ resolution: "Passthrough" }).domains).toEqual(["a.b", "a.b.", "*.a.b", "*.a.b."]);
    expect(of({ resolution: "Passthrough", registry: "External" }).domains).toEqual(["a.b", "a.b."]);
  });

  test("aliases", () => {
    const { domains, alternatives } = of({}, at(""), undefined, ["c.d"]);
    expect(domains).toEqual(["a.b", "a.b.", "c.d", "c.d."]);
    expect(alternatives).toEqual(["a.b.", "c.d."]);
  });
});
