import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const mesh = (weights: readonly [number, number]) => `apiVersion: v1
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
kind: DestinationRule
metadata: {name: reviews}
spec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - route:
    - {destination: {host: reviews, subset: v1}, weight: ${weights[0]}}
    - {destination: {host: reviews, subset: v2}, weight: ${weights[1]}}
`;

describe("diff", () => {
  it("says which requests are treated differently: exit code 1", async () => {
    await using folder = await folderOf({ "old.yaml": mesh([90, 10]), "new.yaml": mesh([50, 50]) });
    const words = ["diff", "-f", folder.at("old.yaml"), "--with", folder.at("new.yaml")];
    const { code, out } = await fairlead(...words, "-o", "json");
    expect(code).toBe(1);
    const { changed, proxies } = JSON.parse(out) as { changed: boolean; proxies: { resources: object[] }[] };
    expect(changed).toBe(true);
    expect(proxies.flatMap(({ resources }) => resources)).toContainEqual({
      type: "routes",
      name: "80",
      change: "changed",
    });
    expect(out).toMatch(/"share": 0\.9[\s\S]*"share": 0\.5/);
    const people = await fairlead(...words);
    expect(people.code).toBe(1);
    expect(people.out).toMatch(/changed route 80\n[\s\S]*- .*90 % reviews\.default[\s\S]*\+ .*50 % reviews\.default/);
  });

  it("the same meaning is no change: exit code 0", async () => {
    const moved = mesh([90, 10]).split("---\n").reverse().join("---\n");
    await using folder = await folderOf({ "old.yaml": mesh([90, 10]), "new.yaml": `# moved\n${moved}` });
    const words = ["diff", "-f", folder.at("old.yaml"), "--with", folder.at("new.yaml")];
    expect(await fairlead(...words)).toMatchObject({ code: 0, out: "no request is treated differently\n" });
    const { code, out } = await fairlead(...words, "-o", "json");
    expect({ code, changed: JSON.parse(out).changed }).toEqual({ code: 0, changed: false });
  });
});
