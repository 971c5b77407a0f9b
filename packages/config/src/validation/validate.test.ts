import { describe, expect, it } from "vitest";
import { validateDocument } from "./validate.ts";

describe("an object that lacks a required field", () => {
  const found = (kind: string, spec: object) =>
    validateDocument({ apiVersion: "networking.istio.io/v1", kind, metadata: { name: "a" }, spec }).diagnostics.map(
      ({ path, code }) => `${path} ${code}`,
    );

  it("is told all the rest too, as far as it can be looked at", () => {
    const route = [{ destination: { host: "a.com" } }, { weight: 0 }];
    expect(found("VirtualService", { hosts: ["a.com"], gateways: ["not a name"], http: [{ route }] })).toEqual([
      "spec.http[0].route[1].destination required",
      "spec.gateways[0] invalid-name",
      "spec.http[0].route out-of-range",
    ]);
  });

  it("is told once of a field what is wrong with it", () => {
    expect(found("ServiceEntry", { hosts: [], ports: [], resolution: "NONE" })).toEqual(["spec.hosts out-of-range"]);
  });
});

it("a number past all limits is told the limit of its field, once", () => {
  const servers = [{ port: { number: 1e23, name: "http", protocol: "HTTP" }, hosts: ["*"] }];
  const document = {
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name: "a" },
    spec: { servers },
  };
  expect(validateDocument(document).diagnostics.map(({ message }) => message)).toEqual([
    "must be at most 4294967295, is 1e+23",
  ]);
});
