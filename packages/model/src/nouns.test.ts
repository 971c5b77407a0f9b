import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryCollection, structurallyEqual } from "./collection.ts";
import { formatDiagnostic } from "./diagnostic.ts";
import { compareHostSpecificity, hostsOverlap, isSubsetHost, mostSpecificHost, resolveShortHost } from "./hostname.ts";
import { matchesLabels } from "./labels.ts";
import { formatLocality, localityFromLabels, parseLocality } from "./locality.ts";
import { parseNode } from "./proxy-node.ts";

describe("host names", () => {
  it.each([
    ["a.example.com", "*.example.com", true],
    ["example.com", "*.example.com", false],
    ["*.b.example.com", "*.example.com", true],
    ["*.example.com", "*.b.example.com", false],
    ["a.com", "*", true],
    ["a.com", "a.com", true],
    ["a.com", "b.com", false],
  ])("%s within %s: %s", (host, parent, within) => expect(isSubsetHost(host, parent)).toBe(within));

  it.each([
    ["*.example.com", "a.example.com", true],
    ["*.b.com", "*.com", true],
    ["*.a.com", "*.b.com", false],
    ["a.com", "a.com", true],
  ])("%s and %s overlap: %s", (a, b, overlap) => {
    expect(hostsOverlap(a, b)).toBe(overlap);
    expect(hostsOverlap(b, a)).toBe(overlap);
  });

  it("orders the most specific first", () => {
    expect(["*", "*.com", "a.com", "*.b.com", "x.b.com"].sort(compareHostSpecificity)).toEqual([
      "x.b.com",
      "a.com",
      "*.b.com",
      "*.com",
      "*",
    ]);
    expect(mostSpecificHost("x.b.com", ["*", "*.com", "*.b.com"])).toBe("*.b.com");
  });

  it("completes short names only", () => {
    expect(resolveShortHost("reviews", "default")).toBe("reviews.default.svc.cluster.local");
    for (const name of ["*", "*.com", "a.b", ""]) expect(resolveShortHost(name, "default")).toBe(name);
  });
});

describe("collections", () => {
  it("keep the old object where the meaning is equal, and tell each batch once", () => {
    const collection = new MemoryCollection<{ readonly a: number; readonly b?: undefined }>();
    const batches: unknown[] = [];
    const stop = collection.subscribe((changes) => batches.push(changes.map(({ key }) => key)));
    const first = { a: 1 };
    collection.apply([
      ["x", first],
      ["y", { a: 2 }],
    ]);
    collection.set("x", { a: 1, b: undefined });
    expect(collection.get("x")).toBe(first);
    collection.replace(new Map([["y", { a: 3 }]]));
    stop();
    stop();
    collection.delete("y");
    expect(batches).toEqual([
      ["x", "y"],
      ["x", "y"],
    ]);
    expect(collection.size).toBe(0);
  });

  it("compare any plain data as its JSON would be", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(structurallyEqual(a, structuredClone(a))).toBe(true);
        if (JSON.stringify(a) === JSON.stringify(b)) expect(structurallyEqual(a, b)).toBe(true);
        expect(structurallyEqual(a, b)).toBe(structurallyEqual(b, a));
      }),
    );
    expect(structurallyEqual(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
    expect(structurallyEqual([1], { 0: 1, length: 1 })).toBe(false);
  });
});

describe("nodes", () => {
  const id = "sidecar~10.0.0.1~reviews-v1.default~default.svc.cluster.local";
  it("are read from id and metadata", () => {
    const { node } = parseNode({
      id,
      metadata: { LABELS: { app: "reviews" }, INSTANCE_IPS: "10.0.0.1,fd00::1", NETWORK: "n1" },
      locality: { region: "r", zone: "z" },
    });
    expect(node).toMatchObject({
      type: "sidecar",
      name: "reviews-v1.default",
      namespace: "default",
      ipAddresses: ["10.0.0.1", "fd00::1"],
      dnsDomain: "default.svc.cluster.local",
      workloadName: "reviews-v1",
      clusterId: "Kubernetes",
      network: "n1",
      interceptionMode: "REDIRECT",
      locality: { region: "r", zone: "z", subzone: "" },
    });
  });

  it("say all at once what is wrong", () => {
    const { diagnostics } = parseNode({
      id: "pilot~1~x~y",
      metadata: { LABELS: [], INTERCEPTION_MODE: "MAGIC", NAMESPACE: 7 },
    });
    expect(diagnostics.map(({ path }) => path)).toEqual([
      "id",
      "id",
      "metadata.LABELS",
      "metadata.INTERCEPTION_MODE",
      "metadata.NAMESPACE",
    ]);
    expect(parseNode({}).node).toBeUndefined();
  });
});

describe("small words", () => {
  it("locality", () => {
    expect(formatLocality(parseLocality("r/z"))).toBe("r/z");
    expect(localityFromLabels({ "istio-locality": "r.z.s" })).toEqual({ region: "r", zone: "z", subzone: "s" });
    expect(localityFromLabels({ "topology.kubernetes.io/region": "r" })).toEqual({
      region: "r",
      zone: "",
      subzone: "",
    });
    expect(localityFromLabels({})).toBeUndefined();
  });

  it("labels", () => {
    expect(matchesLabels({ a: "1" }, { a: "1", b: "2" })).toBe(true);
    expect(matchesLabels({ a: "1" }, { b: "2" })).toBe(false);
    expect(matchesLabels({}, {})).toBe(true);
  });

  it("diagnostics", () => {
    const object = { kind: "VirtualService", namespace: "default", name: "r" };
    expect(
      formatDiagnostic({
        code: "out-of-range",
        severity: "error",
        message: "too large",
        path: "spec.x",
        object,
        position: { file: "a.yaml", line: 3, column: 5 },
      }),
    ).toBe("a.yaml:3:5: error VirtualService default/r spec.x: too large [out-of-range]");
  });
});
