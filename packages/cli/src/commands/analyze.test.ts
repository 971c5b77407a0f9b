import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const ROUTE = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http: [{route: [{destination: {host: nowhere}}]}]
`;

describe("analyze", () => {
  it("finds what is wrong in company, with Istio's codes: exit code 1", async () => {
    await using folder = await folderOf({ "mesh.yaml": ROUTE });
    const file = folder.at("mesh.yaml");
    const { code, out } = await fairlead("analyze", "-f", file, "-o", "json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toContainEqual({
      code: "IST0101",
      level: "Error",
      resource: "VirtualService shop/reviews",
      message: expect.stringContaining("nowhere"),
      file,
      line: 6,
    });
    expect((await fairlead("analyze", "-f", file)).out).toContain(`${file}:6:`);
  });

  it("with --extra says what of the Gateway API is refused", async () => {
    await using folder = await folderOf({
      "routes.yaml": `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: shop}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: gw, sectionName: https}]
  rules:
  - sessionPersistence: {sessionName: s}
`,
    });
    const { out } = await fairlead("analyze", "--extra", "-f", folder.at("routes.yaml"), "-o", "json");
    expect(JSON.parse(out)).toMatchObject([
      { code: "FL0020", resource: "HTTPRoute shop/web", line: 10, message: expect.stringContaining("https") },
      { code: "FL0021", resource: "HTTPRoute shop/web", line: 12 },
    ]);
  });

  it("leaves out what is suppressed", async () => {
    await using folder = await folderOf({ "mesh.yaml": ROUTE });
    const codes = async (...more: string[]) =>
      (
        JSON.parse((await fairlead("analyze", "-f", folder.at("mesh.yaml"), ...more, "-o", "json")).out) as {
          code: string;
        }[]
      ).map(({ code }) => code);
    expect(await codes()).toContain("IST0101");
    expect(await codes("-S", "IST0101=VirtualService reviews.shop")).not.toContain("IST0101");
    expect((await fairlead("analyze", "-f", folder.at("mesh.yaml"), "-S", "IST0101")).code).toBe(2);
  });

  it("what cannot be read is a finding, an empty folder is none", async () => {
    await using folder = await folderOf({ "mesh/broken.yaml": "a: [b\n", "empty/none.txt": "" });
    const { code, out } = await fairlead("analyze", "-f", folder.at("mesh"), "-o", "json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject([
      { code: "IST0106", level: "Error", file: folder.at("mesh", "broken.yaml") },
    ]);
    expect(await fairlead("analyze", "-f", folder.at("empty"), "-o", "json")).toMatchObject({ code: 0, out: "[]\n" });
  });

  it("says what is wrong with mesh settings, and with --extra what of them has no effect", async () => {
    await using folder = await folderOf({
      "none.yaml": "",
      "settings.yaml":
        "trustDomain: shop.example\ndefaultConfig:\n  meshId: shop\nextensionProviders:\n  - name: a\n    lightstep: {}\n",
      "broken.yaml": "connectTimeout: soon\n",
    });
    const found = async (settings: string, ...more: string[]) => {
      const file = folder.at(settings);
      const { out } = await fairlead(
        "analyze",
        "-f",
        folder.at("none.yaml"),
        "--mesh-config",
        file,
        ...more,
        "-o",
        "json",
      );
      return (JSON.parse(out) as { code: string; line: number; file: string }[]).map(
        ({ code, file: at, line }) => `${code} ${at === file ? line : at}`,
      );
    };
    expect(await found("settings.yaml")).toEqual([]);
    expect(await found("settings.yaml", "--extra")).toEqual([
      "required 6",
      "invalid-port 6",
      "unsupported-field 3",
      "unsupported-field 6",
    ]);
    expect(await found("broken.yaml")).toEqual(["IST0106 1"]);
  });
});
