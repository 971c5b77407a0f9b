import { describe, expect, it } from "vitest";
import { parseDocuments } from "./documents.ts";
import { editYaml } from "./edit.ts";

const TEXT = `# who owns this
apiVersion: v1
kind: Service
metadata: { name: a }
---
# the canary
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: a # short
spec:
  hosts: [a]
  http:
    # most of it
    - route:
        - destination: { host: a, subset: v1 }
          weight: 90 # was 100
        - destination: { host: a, subset: v2 }
          weight: 10
`;
const object = { kind: "VirtualService", name: "a" };

describe("editYaml", () => {
  it("replaces a scalar and touches nothing else", () => {
    const edited = editYaml(TEXT, [
      { object, path: "spec.http[0].route[0].weight", value: 50 },
      { object, path: "spec.http[0].route[1].weight", value: 50 },
      { object, path: "spec.hosts[0]", value: "yes" },
    ]);
    expect(edited).toBe(TEXT.replace("90", "50").replace("weight: 10", "weight: 50").replace("[a]", '["yes"]'));
  });

  it("adds and removes fields, and keeps comments and the other documents", () => {
    const edited = editYaml(TEXT, [
      { object, path: "spec.http[0].timeout", value: "5s" },
      { object, path: "spec.http[0].route[1]", value: undefined },
      { object, path: "spec.exportTo", value: ["."] },
    ]);
    expect(edited).toMatch(/^# who owns this\n(.*\n)*---\n# the canary\n/);
    for (const comment of ["# short", "# most of it", "# was 100"]) expect(edited).toContain(comment);
    expect(parseDocuments(edited, { file: "a" }).documents[1]?.object?.spec).toEqual({
      hosts: ["a"],
      http: [{ route: [{ destination: { host: "a", subset: "v1" }, weight: 90 }], timeout: "5s" }],
      exportTo: ["."],
    });
  });

  it.each([
    [{ kind: "Gateway", name: "a" }, "spec.x", "NOT_FOUND"],
    [{ ...object, namespace: "n" }, "", "INVALID_PATH"],
  ])("says why %j %s cannot be edited", (ref, path, code) => {
    expect(() => editYaml(TEXT, [{ object: ref, path, value: 1 }])).toThrow(expect.objectContaining({ code }));
  });
});
