import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const MESH = `apiVersion: v1
kind: Service
metadata: {name: reviews}
spec: {selector: {app: reviews}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: page-1, labels: {app: page}}
status: {podIP: 10.0.0.2}
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
const TESTS = `tests:
- name: jason is a teapot
  from: page.default
  request: {url: http://reviews/, headers: {end-user: jason}}
  expect: {outcome: responded, status: 418}
`;
const REST = `- name: others are routed
  from: page.default
  request: {url: http://reviews/}
  expect: {destination: {service: reviews.default, share: 1}}
`;
const run = async (tests: string, ...words: string[]) => {
  await using folder = await folderOf({ "mesh.yaml": MESH, "tests.yaml": tests });
  return await fairlead("test", "-f", folder.at("mesh.yaml"), folder.at("tests.yaml"), ...words);
};

describe("test", () => {
  it("passes", async () => {
    const { code, out } = await run(TESTS + REST, "--coverage", "--fail-under", "100");
    expect(out).toContain(
      "✓ jason is a teapot\n✓ others are routed\n2 passed, 0 failed\ncoverage: 100 %, 2 of 2 rules",
    );
    expect(code).toBe(0);
  });

  it("tells what no test reached, and fails below the threshold", async () => {
    const { code, out } = await run(TESTS, "--fail-under", "80");
    expect(code).toBe(1);
    expect(out).toMatch(
      /coverage: 50 %, 1 of 2 rules\n {2}.*mesh.yaml:19: no request reached VirtualService default\/reviews spec.http\[1\]/,
    );
  });

  it("a failure names the line that decided", async () => {
    const { code, out } = await run(`${TESTS}${REST.replace("reviews.default", "ratings.default")}`);
    expect(code).toBe(1);
    expect(out).toMatch(/✗ others are routed \(.*tests.yaml:6\)/);
    expect(out).toContain("expected 100 % to ratings.default");
    expect(out).toMatch(/mesh.yaml:19 VirtualService default\/reviews/);
  });

  it("answers JSON", async () => {
    const { out } = await run(TESTS.replace("418}", "500}"), "-o", "json");
    expect(JSON.parse(out)).toMatchObject({ tests: [{ name: "jason is a teapot", line: 2, passed: false }] });
  });

  it("an unknown workload fails the test that names it", async () => {
    const { code, out } = await run(TESTS.replace("page.default", "pag.default"));
    expect(code).toBe(1);
    expect(out).toContain("there is no workload pag");
  });

  it.each([
    ["an unknown field", TESTS.replace("expect:", "expects:"), 'a test has no field "expects"'],
    ["nothing expected", TESTS.replace(/expect: .*/, "expect: {}"), "expect says nothing"],
    ["no URL", TESTS.replace("url: http://reviews/, ", ""), "request.url is needed"],
    ["a text for a number", TESTS.replace("418", "teapot"), "status must be a number"],
    ["an outcome nobody knows", TESTS.replace("responded", "fine"), "outcome is one of"],
    ["no tests", "a: b\n", "a list of `tests`"],
    ["broken YAML", "tests: [", "tests.yaml:1"],
  ])("%s: exit code 2, with the line", async (_, tests, words) => {
    const { code, err } = await run(tests);
    expect(code).toBe(2);
    expect(err).toMatch(/tests\.yaml:\d+: /);
    expect(err).toContain(words);
  });

  it("a threshold that is none: exit code 2", async () => {
    expect(await run(TESTS, "--fail-under", "lots")).toMatchObject({ code: 2 });
  });
});
