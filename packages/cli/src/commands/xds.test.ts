import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const NODE = JSON.stringify({ id: "sidecar~10.0.0.9~page-1.default~default.svc.cluster.local" });

const entry = (name: string, more = "") => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}}
spec:
  hosts: [${name}.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: 10.0.0.1}]
${more}---
`;

/** The resources of one type as `xds -o json` names them. */
interface Printed {
  readonly name?: string;
  readonly clusterName?: string;
}

describe("xds -o json", () => {
  it("prints every type, each sorted by name, as protobuf JSON", async () => {
    await using folder = await folderOf({ "mesh/b.yaml": entry("zeta") + entry("alpha"), "node.json": NODE });
    const { code, out } = await fairlead(
      "xds",
      "-f",
      folder.at("mesh"),
      "--node",
      folder.at("node.json"),
      "-o",
      "json",
    );
    expect(code).toBe(0);
    const printed = JSON.parse(out) as Record<string, readonly Printed[]>;
    expect(Object.keys(printed)).toEqual([
      "clusters",
      "listeners",
      "routes",
      "endpoints",
      "secrets",
      "extensions",
      "diagnostics",
    ]);
    for (const type of ["clusters", "listeners", "routes", "endpoints"]) {
      const names = (printed[type] ?? []).map(({ name, clusterName }) => name ?? clusterName ?? "");
      expect(names.length).toBeGreaterThan(0);
      expect(names).toEqual([...names].sort());
    }
    expect(printed.clusters).toContainEqual(
      expect.objectContaining({ name: "outbound|80||alpha.example.com", type: "EDS" }),
    );
    expect(printed.endpoints).toContainEqual(expect.objectContaining({ clusterName: "outbound|80||zeta.example.com" }));
    expect(printed.routes).toContainEqual(expect.objectContaining({ name: "80" }));
    expect(printed).toMatchObject({ secrets: [], extensions: [], diagnostics: [] });
  });

  it("is the same for the same files, whatever their order", async () => {
    await using folder = await folderOf({ "a.yaml": entry("zeta"), "b.yaml": entry("alpha"), "node.json": NODE });
    const of = async (...files: string[]) =>
      (
        await fairlead(
          "xds",
          ...files.flatMap((file) => ["-f", folder.at(file)]),
          "--node",
          folder.at("node.json"),
          "-o",
          "json",
        )
      ).out;
    expect(await of("a.yaml", "b.yaml")).toBe(await of("b.yaml", "a.yaml"));
  });

  it("says what is wrong where it is written: exit code 1", async () => {
    await using folder = await folderOf({
      "mesh.yaml": entry("alpha", "  nonsense: 1\n") + entry("beta"),
      "node.json": NODE,
    });
    const { code, out } = await fairlead(
      "xds",
      "-f",
      folder.at("mesh.yaml"),
      "--node",
      folder.at("node.json"),
      "-o",
      "json",
    );
    expect(code).toBe(1);
    const { clusters, diagnostics } = JSON.parse(out) as {
      clusters: readonly Printed[];
      diagnostics: readonly object[];
    };
    expect(diagnostics).toEqual([
      {
        code: "unknown-field",
        severity: "error",
        path: "spec.nonsense",
        message: expect.any(String),
        resource: "ServiceEntry default/alpha",
        file: folder.at("mesh.yaml"),
        line: 10,
        column: 3,
      },
    ]);
    expect(clusters.map(({ name }) => name)).toContain("outbound|80||beta.example.com");
  });

  it("applies the mesh settings of files", async () => {
    await using folder = await folderOf({
      "mesh.yaml": entry("alpha"),
      "mesh-config.yaml": "outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n",
      "more.yaml": "trustDomain: shop.example\nserviceScopeConfigs: [{scope: GLOBAL}]\n",
      "node.json": NODE,
    });
    const routes = async (...more: string[]) => {
      const { out } = await fairlead(
        "xds",
        "-f",
        folder.at("mesh.yaml"),
        "--node",
        folder.at("node.json"),
        ...more,
        "-o",
        "json",
      );
      return JSON.stringify((JSON.parse(out) as { routes: unknown }).routes);
    };
    expect(await routes()).toContain('"allow_any"');
    expect(await routes("--mesh-config", folder.at("mesh-config.yaml"))).toContain('"block_all"');
    const printed = ["xds", "-f", folder.at("mesh.yaml"), "--node", folder.at("node.json")];
    const { out } = await fairlead(...printed, "--mesh-config", folder.at("more.yaml"));
    expect(out).toContain("more.yaml:2:1: warning: serviceScopeConfigs: has no effect");
    expect(out).toContain("2 | serviceScopeConfigs: [{scope: GLOBAL}]");
  });

  it.each([
    ["not JSON", "{", "is not JSON"],
    ["not an object", "[]", "is not a JSON object"],
    ["not a node", '{"id": "page"}', "is not of the form TYPE~IP~NAME.NAMESPACE~DOMAIN"],
  ])("a node that is %s: exit code 2", async (_, text, message) => {
    await using folder = await folderOf({ "mesh.yaml": entry("alpha"), "node.json": text });
    const { code, err } = await fairlead("xds", "-f", folder.at("mesh.yaml"), "--node", folder.at("node.json"));
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

it("xds for people names each resource and what it was made from", async () => {
  await using folder = await folderOf({ "mesh.yaml": entry("alpha"), "node.json": NODE });
  const { code, out } = await fairlead("xds", "-f", folder.at("mesh.yaml"), "--node", folder.at("node.json"));
  expect(code).toBe(0);
  expect(out).toContain("cluster   outbound|80||alpha.example.com  (ServiceEntry default/alpha)\n");
});
