import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const MESH = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {selector: {app: reviews}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: reviews-1, labels: {app: reviews, version: v1}}
status: {podIP: 10.0.0.1, phase: Running, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: page-1, labels: {app: page}}
status: {podIP: 10.0.0.2, phase: Running, conditions: [{type: Ready, status: "True"}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - match: [{headers: {end-user: {exact: jason}}}]
    directResponse: {status: 418}
  - route: [{destination: {host: reviews}}]
`;

describe("route", () => {
  it("takes connections that are not HTTP", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const { code, out } = await fairlead(
      ...["route", "-f", folder.at("mesh.yaml"), "--from", "page.default", "tcp://10.9.9.9:9999"],
    );
    expect({ code, first: out.split("\n")[0] }).toEqual({
      code: 0,
      first: "tcp://10.9.9.9:9999 from page.default: routed, 100 % to PassthroughCluster",
    });
  });

  it("says where a request goes, as JSON", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const ask = async (...words: string[]) => {
      const { code, out } = await fairlead(
        "route",
        "-f",
        folder.at("mesh.yaml"),
        "--from",
        "page.default",
        ...words,
        "-o",
        "json",
      );
      return { code, answer: JSON.parse(out) as unknown };
    };
    expect(await ask("http://reviews/")).toMatchObject({
      code: 0,
      answer: {
        outcome: "routed",
        destinations: [{ service: "reviews.default.svc.cluster.local", subset: "", port: 80, share: 1 }],
      },
    });
    expect(await ask("-H", "End-User: jason", "http://reviews/")).toMatchObject({
      answer: { outcome: "responded", destinations: [], response: { status: 418 } },
    });
  });

  it("says why, with the line that decided", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const { code, out } = await fairlead(
      "route",
      "-f",
      folder.at("mesh.yaml"),
      "--from",
      "page.default",
      "http://reviews/",
    );
    expect(code).toBe(0);
    expect(out).toContain("routed, 100 % to reviews.default.svc.cluster.local:80");
    expect(out).toContain("mesh.yaml:24");
  });

  it.each([
    ["a workload that is not there", ["--from", "nobody.default", "http://reviews/"]],
    ["a URL that is none", ["--from", "page.default", "reviews"]],
    ["a header that is none", ["--from", "page.default", "-H", "jason", "http://reviews/"]],
  ])("%s: exit code 2", async (_, words) => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const { code, err } = await fairlead("route", "-f", folder.at("mesh.yaml"), ...words);
    expect(code).toBe(2);
    expect(err).toContain("usage: fairlead route");
  });
});
