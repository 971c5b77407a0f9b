import { formatDiagnostic } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { parseDocuments, streamDocuments } from "./documents.ts";

const FILE = "a.yaml";
const parse = (text: string, options = {}) => parseDocuments(text, { file: FILE, ...options });
const messages = (text: string, options = {}) => parse(text, options).diagnostics.map(formatDiagnostic);
const codes = (text: string) => parse(text).diagnostics.map(({ code }) => code);

const ROUTES = `# a comment
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
    - route:
        - destination: { host: reviews }
          wieght: 5
      timeout: 0s
    - match:
        - headers:
            "x.y": { exact: a }
      redirect: { uri: /b }
---
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: prod }
---
# nothing here
`;

describe("parseDocuments", () => {
  it("says everything that is wrong at once, with its place", () => {
    expect(messages(ROUTES)).toEqual([
      "a.yaml:12:11: error VirtualService default/reviews spec.http[0].route[0].wieght: unknown field; did you mean weight? [unknown-field]",
      'a.yaml:13:7: error VirtualService default/reviews spec.http[0].timeout: must be a duration of at least 1ms, found "0s" [invalid-duration]',
      "a.yaml:14:7: warning VirtualService default/reviews spec.http[1]: rule #1 is never used: rule #0 before it matches everything [unreachable-rule]",
    ]);
  });

  it("finds fields, or what is nearest", () => {
    const [rules, service] = parse(ROUTES).documents;
    expect(rules?.locate('spec.http[1].match[0].headers["x.y"].exact')).toEqual({ file: FILE, line: 16, column: 22 });
    expect(rules?.locate("spec.http[1].redirect.authority")).toEqual({ file: FILE, line: 17, column: 7 });
    expect(rules?.locate("status")).toEqual({ file: FILE, line: 3, column: 1 });
    expect(service).toMatchObject({ kind: "Service", namespace: "prod", name: "reviews", line: 19, object: undefined });
  });

  it("types the objects of configuration kinds", () => {
    const [document] = parse(ROUTES.replace("wieght: 5", "weight: 5").replace("timeout: 0s", "timeout: 5s")).documents;
    expect(document?.object).toMatchObject({
      kind: "VirtualService",
      metadata: { name: "reviews", namespace: "default" },
    });
  });

  it("resolves anchors and merge keys, and points into them", () => {
    const text = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a }
spec:
  hosts: &hosts [a.com]
  subjectAltNames: *hosts
  ports:
    - &port { number: 80, protocol: HTTP, name: http }
    - { <<: *port, number: 81, name: http-2, nmae: x }
`;
    const { documents, diagnostics } = parse(text);
    expect(documents[0]?.value).toMatchObject({
      spec: { subjectAltNames: ["a.com"], ports: [{}, { protocol: "HTTP" }] },
    });
    expect(diagnostics[0]?.position).toEqual({ file: FILE, line: 9, column: 46 });
  });

  it("reads JSON and expands lists, also typed ones", () => {
    const gateway = { metadata: { name: "g" }, spec: { servers: [], x: 1 } };
    const text = JSON.stringify(
      { apiVersion: "networking.istio.io/v1", kind: "GatewayList", items: [gateway] },
      null,
      1,
    );
    const nested = JSON.stringify({
      apiVersion: "v1",
      kind: "List",
      items: [JSON.parse(text), { apiVersion: "v1", kind: "Pod" }],
    });
    expect(parse(text).documents.map(({ kind }) => kind)).toEqual(["Gateway"]);
    expect(parse(text).diagnostics.find(({ path }) => path === "spec.x")?.position?.line).toBe(11);
    expect(parse(nested).documents.map(({ kind }) => kind)).toEqual(["Gateway", "Pod"]);
  });

  it("reads booleans and numbers as Kubernetes does", () => {
    const [document] = parse('apiVersion: v1\nkind: X\na: yes\nb: "yes"\nc: 0644\nd: off\ne: 2020-01-01\n').documents;
    expect(document?.value).toMatchObject({ a: true, b: "yes", c: 420, d: false, e: "2020-01-01" });
  });

  it("refuses duplicate keys, or lets the last one count", () => {
    const text = "apiVersion: v1\nkind: Pod\nkind: Service\nmetadata: { name: a }\n";
    expect(messages(text)).toEqual(["a.yaml:3:1: error the key kind is already there [duplicate-key]"]);
    const [document] = parse(text, { duplicateKeys: "last" }).documents;
    expect(document?.kind).toBe("Service");
    expect(document?.locate("kind")?.line).toBe(3);
  });

  it("reads the rest of a text of which one document is broken", () => {
    const { documents, diagnostics } = parse("a: [\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n");
    expect(documents.map(({ name }) => name)).toEqual(["p"]);
    expect(diagnostics[0]).toMatchObject({ code: "yaml-syntax", position: { file: FILE, line: 2, column: 1 } });
  });

  it("keeps directives with their document, and knows the end marker", () => {
    expect(
      parse("%YAML 1.2\n---\napiVersion: v1\nkind: Pod\n...\n---\napiVersion: v1\nkind: Pod\n").documents,
    ).toHaveLength(2);
  });

  it.each([
    ["just text", "not-an-object"],
    ["[1, 2]", "not-an-object"],
    ["kind: X", "missing-api-version"],
    ["apiVersion: v1", "missing-kind"],
    ["apiVersion: networking.istio.io/v1\nkind: VirtualServce\nmetadata: {name: a}", "unknown-kind"],
    ["apiVersion: networking.istio.io/v9\nkind: Gateway\nmetadata: {name: a}", "unknown-kind"],
    ["apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}", "unknown-kind"],
  ])("flags %j", (text, code) => expect(codes(text)).toEqual([code]));

  it.each(["", "---\n", "# only a comment\n", "---\n---\n"])("finds nothing in %j", (text) => {
    expect(parse(text)).toEqual({ documents: [], diagnostics: [] });
  });

  it("leaves namespaces to namespaced kinds", () => {
    const [document] = parse("apiVersion: v1\nkind: Namespace\nmetadata: { name: a }").documents;
    expect(document?.namespace).toBe("");
  });
});

describe("hostile input is refused quickly and clearly", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (const [index, name] of [..."bcdefghij"].entries())
    bomb.push(`${name}: &${name} [${Array(10).fill(`*${"abcdefghij"[index]}`).join(",")}]`);
  const kind = "apiVersion: v1\nkind: Pod\n";

  it.each([
    ["an alias bomb", bomb.join("\n"), "too-many-aliases"],
    ["deep flow nesting", `a: ${"[".repeat(20_000)}`, "too-deep"],
    ["deep closed nesting", `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`, "too-deep"],
    ["deep block nesting", `${"- ".repeat(20_000)}a`, "too-deep"],
    ["nesting just too deep", `${kind}a: ${"[".repeat(101)}${"]".repeat(101)}`, "too-deep"],
    ["__proto__", `${kind}__proto__: { a: 1 }`, "forbidden-key"],
    ["constructor", `${kind}metadata: { constructor: { prototype: { a: 1 } } }`, "forbidden-key"],
    ["an open quote", `"${"\\u0041".repeat(100_000)}`, "yaml-syntax"],
  ])("%s", (_, text, code) => {
    const start = performance.now();
    expect(codes(text)).toEqual([code]);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });

  const rules = (spec: unknown) =>
    JSON.stringify({ apiVersion: "networking.istio.io/v1", kind: "VirtualService", metadata: { name: "a" }, spec });
  const many = <T>(make: (index: number) => T) => Array.from({ length: 30_000 }, (_, index) => make(index));
  const tcp = [{ route: [{ destination: { host: "a" } }] }];

  it.each([
    ["blank lines", " \n".repeat(100_000)],
    ["keys", many((index) => `k${index}: 1`).join("\n")],
    ["unknown fields", rules(Object.fromEntries(many((index) => [`f${index}`, 1])))],
    ["items of the wrong type", rules({ hosts: Array(200_000).fill(5) })],
    ["hosts", rules({ hosts: many((index) => `h${index}.com`), tcp })],
    ["wildcard hosts", rules({ hosts: many((index) => `*.h${index}.com`), tcp })],
    [
      "prefixes",
      rules({ hosts: ["a"], http: [{ match: many((index) => ({ uri: { prefix: `/${index}` } })), ...tcp[0] }] }),
    ],
    [
      "list items",
      JSON.stringify({ apiVersion: "v1", kind: "List", items: Array(3000).fill(JSON.parse(rules({ x: 1 }))) }),
    ],
  ])("a great many %s cost little", (_, text) => {
    const start = performance.now();
    parse(text);
    expect(performance.now() - start).toBeLessThan(8000);
  });

  it("a text that is too long", () => {
    expect(parse("a: 1234567890", { maxDocumentLength: 10 }).diagnostics[0]?.code).toBe("too-large");
  });
});

describe("streamDocuments", () => {
  it("reads the same, and gives way to other work", async () => {
    const text = Array.from({ length: 300 }, (_, index) => ROUTES.replace("name: reviews\n", `name: r${index}\n`)).join(
      "\n---\n",
    );
    const streamed: unknown[] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    for await (const { documents } of streamDocuments(text, { file: FILE, sliceMilliseconds: 5 }))
      streamed.push(...documents.map(({ name, line }) => [name, line]));
    clearInterval(timer);
    expect(streamed).toEqual(parse(text).documents.map(({ name, line }) => [name, line]));
    expect(turns).toBeGreaterThan(3);
  });
});
