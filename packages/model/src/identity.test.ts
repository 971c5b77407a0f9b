import { describe, expect, it } from "vitest";
import { parseSpiffeId, parseWorkloadPath, workloadSpiffeId } from "./spiffe-id.ts";
import { IdentityError, parseTrustDomain } from "./trust-domain.ts";

describe("SPIFFE IDs", () => {
  it.each([
    "spiffe://cluster.local",
    "spiffe://cluster.local/ns/a/sa/b",
    "spiffe://td_1.example-2/Path.x/_y-z",
    `spiffe://td/${"a".repeat(2035)}`,
  ])("takes %s", (uri) => {
    expect(parseSpiffeId(uri).uri).toBe(uri);
  });

  it.each([
    "",
    "spiffe://",
    "SPIFFE://cluster.local/a",
    "https://cluster.local/a",
    "spiffe://Cluster.local/a",
    "spiffe://cluster.local/",
    "spiffe://cluster.local//a",
    "spiffe://cluster.local/a/",
    "spiffe://cluster.local/a/../b",
    "spiffe://cluster.local/a/./b",
    "spiffe://cluster.local/%2f",
    "spiffe://cluster.local:80/a",
    "spiffe://user@cluster.local/a",
    "spiffe://cluster.local/a?q",
    "spiffe://cluster.local/a#f",
    "spiffe://cluster.local/ü",
    "spiffe://cluster.local/a,b",
    `spiffe://td/${"a".repeat(2040)}`,
    `spiffe://${"a".repeat(256)}/b`,
  ])("refuses %s", (uri) => {
    expect(() => parseSpiffeId(uri)).toThrow(IdentityError);
  });

  it("names service accounts as Istio does, and no other by a slash in a name", () => {
    const id = workloadSpiffeId("cluster.local", "default", "reviews");
    expect(id.uri).toBe("spiffe://cluster.local/ns/default/sa/reviews");
    expect(parseWorkloadPath(id)).toEqual({ namespace: "default", serviceAccount: "reviews" });
    expect(parseWorkloadPath(parseSpiffeId("spiffe://cluster.local/reviews"))).toBeUndefined();
    expect(() => workloadSpiffeId("cluster.local", "a/sa/b", "c")).toThrow("holds a slash");
  });

  it.each(["cluster.local", "a", "x_y-z.1"])("takes trust domain %s", (name) =>
    expect(parseTrustDomain(name)).toBe(name),
  );
  it.each(["", "UP", "a/b", "a:1", "ü"])("refuses trust domain %j", (name) =>
    expect(() => parseTrustDomain(name)).toThrow("TRUST_DOMAIN_INVALID"),
  );
});
