import { describe, expect, it } from "vitest";
import { encodeResource, resourceFromBytes } from "./encoded-resource.ts";
import { CLUSTER_TYPE, RESOURCE_TYPES, resourceType } from "./resource-type.ts";

describe("encodeResource", () => {
  it("gives equal content one version and one array", () => {
    const a = encodeResource(CLUSTER_TYPE, "x", { name: "x", type: "EDS" });
    const b = encodeResource(CLUSTER_TYPE, "x", { type: 3, name: "x" }, [
      { kind: "Service", namespace: "d", name: "x" },
    ]);
    expect(b.bytes).toBe(a.bytes);
    expect(b.version).toBe(a.version);
    expect(b.sources).toHaveLength(1);
    expect(resourceFromBytes(CLUSTER_TYPE, "y", Buffer.from("zz")).version).not.toBe(a.version);
  });

  it("says where a message is wrong", () => {
    expect(() => encodeResource(CLUSTER_TYPE, "x", { name: "x", nme: 1 })).toThrow(/unknown-field.*nme/);
  });
});

describe("RESOURCE_TYPES", () => {
  it("orders what is referred to first", () => {
    expect(RESOURCE_TYPES.map(({ shortName }) => shortName).slice(0, 6)).toEqual([
      "CDS",
      "EDS",
      "ECDS",
      "LDS",
      "SRDS",
      "RDS",
    ]);
  });

  it("has a row for any type", () => {
    expect(resourceType("type.googleapis.com/acme.Thing")).toMatchObject({
      shortName: "Thing",
      wildcard: "legacy",
      unknown: "removed",
    });
  });
});
