import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const pod = (name: string, namespace: string, address: string) => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, labels: {app: ${name}}}
spec: {serviceAccountName: ${name}}
status: {podIP: ${address}}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${namespace}}
spec: {selector: {app: ${name}}, ports: [{name: http, port: 80}]}
---
`;
const MESH = `${pod("shop", "a", "10.2.0.1")}${pod("stock", "b", "10.2.0.2")}${pod("admin", "c", "10.2.0.3")}
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: stock, namespace: b}
spec: {rules: [{from: [{source: {namespaces: [c]}}], to: [{operation: {methods: [PUT], paths: [/levels/*]}}]}]}
`;

describe("reach", () => {
  it("says who can call whom, with a request", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const { code, out } = await fairlead("reach", "-f", folder.at("mesh.yaml"), "--to", "stock.b");
    expect(code).toBe(0);
    expect(out).toContain("a/shop → stock.b.svc.cluster.local:80 mtls: denied");
    expect(out).toContain("c/admin → stock.b.svc.cluster.local:80 mtls: reaches");
    expect(out).toContain("PUT http://stock.b.svc.cluster.local:80/levels/");
  });

  it("proves an assertion, or shows what gets through", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const ask = async (deny: string) => {
      const { code, out } = await fairlead("reach", "-f", folder.at("mesh.yaml"), "--deny", deny, "-o", "json");
      return { code, ...(JSON.parse(out) as { assertions: { isolated: string }[] }) };
    };
    expect(await ask("a=b")).toMatchObject({
      code: 0,
      assertions: [{ from: "a", to: "b", holds: true, isolated: "proved" }],
    });
    expect(await ask("c=stock.b")).toMatchObject({ code: 1, assertions: [{ holds: false, isolated: "refuted" }] });
    const { code, out } = await fairlead("reach", "-f", folder.at("mesh.yaml"), "--deny", "c=b");
    expect(code).toBe(1);
    expect(out).toContain("✗ nothing from c reaches b: does not hold");
  });

  it.each([
    ["a namespace that is not there", ["--from", "d"], "nearest of"],
    ["an assertion that is none", ["--deny", "a"], "--deny takes FROM=TO"],
  ])("%s: exit code 2", async (_, rest, words) => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const { code, err } = await fairlead("reach", "-f", folder.at("mesh.yaml"), ...rest);
    expect(code).toBe(2);
    expect(err).toContain(words);
  });
});
