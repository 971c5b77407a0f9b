import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const records = async (...words: string[]) => {
  const { code, out } = await fairlead("validate", ...words, "-o", "json");
  return { code, records: JSON.parse(out) as unknown[] };
};

const MESH = `# A comment before the first.
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: good, namespace: shop}
spec:
  hosts: [a]
  http: [{route: [{destination: {host: a}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bad}
spec:
  hosts: [a]
  http:
  - route: [{destination: {host: a}, weight: -1}]
    rooute: []
---
apiVersion: v1
kind: Service
metadata: {name: svc}
`;

describe("validate -o json", () => {
  it("has a record for each document, with every error at its place", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const file = folder.at("mesh.yaml");
    expect(await records("-f", file)).toEqual({
      code: 1,
      records: [
        {
          kind: "VirtualService",
          name: "good",
          namespace: "shop",
          file,
          line: 2,
          valid: true,
          errors: [],
          warnings: [],
        },
        {
          kind: "VirtualService",
          name: "bad",
          namespace: "default",
          file,
          line: 9,
          valid: false,
          errors: [
            {
              code: "unknown-field",
              path: "spec.http[0].rooute",
              message: "unknown field; did you mean route?",
              line: 16,
              column: 5,
            },
            {
              code: "out-of-range",
              path: "spec.http[0].route[0].weight",
              message: "a weight must not be negative",
              line: 15,
              column: 38,
            },
          ],
          warnings: [],
        },
        { kind: "Service", name: "svc", namespace: "default", file, line: 18, valid: true, errors: [], warnings: [] },
      ],
    });
  });

  it("has warnings, which leave a document valid", async () => {
    const text = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec:
  hosts: [a]
  http:
  - route: [{destination: {host: a}}]
  - route: [{destination: {host: b}}]
`;
    await using folder = await folderOf({ "a.yaml": text });
    const found = await records("-f", folder.at("a.yaml"));
    expect(found).toMatchObject({ code: 0, records: [{ valid: true, errors: [] }] });
    const [record] = found.records as { warnings: object[] }[];
    expect(record?.warnings.length).toBeGreaterThan(0);
    for (const warning of record?.warnings ?? [])
      expect(warning).toEqual({
        code: expect.any(String),
        path: expect.any(String),
        message: expect.any(String),
        line: expect.any(Number),
        column: expect.any(Number),
      });
  });

  it.each<[string, string, object]>([
    ["unparsable", "a: [b\nc: {d\n", { kind: "", name: "", namespace: "", line: 1, code: "yaml-syntax" }],
    [
      "of an unknown kind of ours",
      "apiVersion: networking.istio.io/v1\nkind: Rout\nmetadata: {name: r}\n",
      { kind: "Rout", name: "r", namespace: "default", line: 1, code: "unknown-kind" },
    ],
    [
      "of an unknown kind of others",
      "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\n",
      { kind: "Thing", name: "t", namespace: "default", line: 1, code: "unknown-kind" },
    ],
    ["without a kind", "metadata: {name: a}\n", { kind: "", name: "", namespace: "", line: 1, code: "missing-kind" }],
    ["that is no object", "- a\n- b\n", { kind: "", name: "", namespace: "", line: 1, code: "not-an-object" }],
    [
      "with a key twice",
      "apiVersion: v1\napiVersion: v1\nkind: Service\n",
      { kind: "", name: "", namespace: "", line: 1, code: "duplicate-key" },
    ],
  ])(
    "a document %s is a record that is not valid, and those around it are read",
    async (_, text, { code, line, ...what }: { code?: string; line?: number }) => {
      const good = "apiVersion: v1\nkind: Service\nmetadata: {name: around}\n";
      await using folder = await folderOf({ "a.yaml": text, "b.yaml": `${good}---\n# about it\n${text}---\n${good}` });
      const alone = await records("-f", folder.at("a.yaml"));
      expect(alone).toMatchObject({
        code: 1,
        records: [{ ...what, file: folder.at("a.yaml"), line, valid: false, warnings: [] }],
      });
      const [record] = alone.records as { errors: { code: string }[] }[];
      expect(record?.errors[0]?.code).toBe(code);
      const among = await records("-f", folder.at("b.yaml"));
      expect(among.records).toMatchObject([
        { name: "around", valid: true },
        { ...what, line: 6, valid: false },
        { name: "around", valid: true },
      ]);
    },
  );

  it("reads folders, in the order of names, and each file once", async () => {
    const service = (name: string) => `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\n`;
    await using folder = await folderOf({
      "b.yaml": service("b"),
      "a/c.yml": service("c"),
      "a/d.json": JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "d" } }),
      "notes.txt": "not read",
      ".hidden.yaml": "not: read",
    });
    const found = await records("-f", folder.at(), "-f", folder.at("b.yaml"));
    expect(found.code).toBe(0);
    expect((found.records as { name: string }[]).map(({ name }) => name)).toEqual(["c", "d", "b"]);
  });

  it("expands lists", async () => {
    const list = {
      apiVersion: "v1",
      kind: "List",
      items: ["a", "b"].map((name) => ({ apiVersion: "v1", kind: "Service", metadata: { name } })),
    };
    await using folder = await folderOf({ "list.json": JSON.stringify(list) });
    expect(await records("-f", folder.at("list.json"))).toMatchObject({
      code: 0,
      records: [{ name: "a" }, { name: "b" }],
    });
  });
});

describe("validate --kind", () => {
  it("reads each file as one MeshConfig, an empty one too", async () => {
    await using folder = await folderOf({
      "bad.yaml": "trustDomain: 5\nfoo: 1\n",
      "empty.yaml": "",
      "good.yaml": "trustDomain: shop.example\n",
    });
    const files = ["bad.yaml", "empty.yaml", "good.yaml"].map((name) => folder.at(name));
    const found = await records(...files.flatMap((file) => ["-f", file]), "--kind", "MeshConfig");
    const what = { kind: "MeshConfig", name: "", namespace: "", line: 1 };
    expect(found).toEqual({
      code: 1,
      records: [
        {
          ...what,
          file: files[0],
          valid: false,
          errors: [
            { code: "wrong-type", path: "trustDomain", message: "must be a string, found 5", line: 1, column: 1 },
          ],
          warnings: [{ code: "unknown-field", path: "foo", message: "is unknown and ignored", line: 2, column: 1 }],
        },
        { ...what, file: files[1], valid: true, errors: [], warnings: [] },
        { ...what, file: files[2], valid: true, errors: [], warnings: [] },
      ],
    });
  });

  it("reads each file as one MeshNetworks, an empty one too", async () => {
    await using folder = await folderOf({
      "empty.yaml": "",
      "bad.yaml": "networks: {n: {endpoints: [{fromCidr: nonsense}], gateways: [{address: 1.1.1.1, port: 443}]}}\n",
    });
    const found = await records("-f", folder.at(), "--kind", "MeshNetworks");
    expect(found).toMatchObject({
      code: 1,
      records: [
        { kind: "MeshNetworks", line: 1, valid: false },
        { kind: "MeshNetworks", line: 1, valid: true, errors: [], warnings: [] },
      ],
    });
  });

  it("takes a spec that stands alone, and tells where it is wrong in the file", async () => {
    await using folder = await folderOf({
      "spec.yaml": "---\n# routes\nhosts: [a]\nhttp:\n- route: []\n  rooute: []\n",
    });
    const found = await records("-f", folder.at("spec.yaml"), "--kind", "VirtualService");
    expect(found).toMatchObject({ code: 1, records: [{ kind: "VirtualService", name: "", line: 1, valid: false }] });
    const [record] = found.records as { errors: object[] }[];
    expect(record?.errors).toContainEqual({
      code: "unknown-field",
      path: "spec.http[0].rooute",
      message: "unknown field; did you mean route?",
      line: 6,
      column: 3,
    });
  });

  it("takes whole documents of the kind, and says when they are of another", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const found = await records("-f", folder.at("mesh.yaml"), "--kind", "VirtualService");
    expect(found).toMatchObject({
      code: 1,
      records: [
        { name: "good", valid: true },
        { name: "bad", valid: false },
        {
          name: "svc",
          valid: false,
          errors: [{ code: "wrong-kind", message: "expected VirtualService, found Service" }],
        },
      ],
    });
  });

  it("an unparsable file is a record of the kind", async () => {
    await using folder = await folderOf({ "a.yaml": "hosts: [a\n", "m.yaml": "trustDomain: [a\n" });
    for (const [name, kind] of [
      ["a.yaml", "VirtualService"],
      ["m.yaml", "MeshConfig"],
    ] as const)
      expect(await records("-f", folder.at(name), "--kind", kind)).toMatchObject({
        code: 1,
        records: [{ kind, valid: false, errors: [{ code: "yaml-syntax" }] }],
      });
  });
});

describe("validate for people", () => {
  it("shows each finding with the line it is on", async () => {
    await using folder = await folderOf({ "mesh.yaml": MESH });
    const { code, out } = await fairlead("validate", "-f", folder.at("mesh.yaml"));
    expect(code).toBe(1);
    expect(out).toContain(
      `${folder.at("mesh.yaml")}:15:38: error: spec.http[0].route[0].weight: a weight must not be negative`,
    );
    expect(out).toContain(
      "  15 |   - route: [{destination: {host: a}, weight: -1}]\n     |                                      ^\n",
    );
    expect(out).toContain("3 documents in 1 files: 1 invalid, 0 warnings\n");
  });
});

describe("what an EnvoyFilter puts into Envoy's configuration", () => {
  it("is checked against Envoy's API, field by field", async () => {
    const text = `apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: patch}
spec:
  configPatches:
  - applyTo: CLUSTER
    patch:
      operation: MERGE
      value:
        connect_timeout: soon
        dns_refresh_rate: 500ms
        lb_polcy: RANDOM
`;
    await using folder = await folderOf({ "filter.yaml": text });
    const found = await records("-f", folder.at("filter.yaml"));
    const value = "spec.configPatches[0].patch.value";
    expect(found).toMatchObject({
      code: 1,
      records: [
        {
          valid: false,
          errors: [{ path: `${value}.connect_timeout`, line: 10, column: 9 }],
          warnings: [{ path: "spec" }, { path: `${value}.lb_polcy`, code: "unknown-field", line: 12, column: 9 }],
        },
      ],
    });
  });
});
