import { parseDocuments, textStore } from "@fairlead/config";
import { Derivations, Mesh } from "@fairlead/mesh";
import { expect, it } from "vitest";
import { analyzeExtra, extraFindings } from "./extra.ts";

const root = (delegate: string, prefix = "/") => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: root, namespace: default}
spec:
  hosts: [a.example.com]
  http:
  - match: [{uri: {prefix: ${prefix}}}]
    delegate: {name: ${delegate}, namespace: other}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: leaf, namespace: other}
spec:
  http:
  - match: [{uri: {prefix: /leaf}}]
    route: [{destination: {host: b.example.com}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: hidden, namespace: other}
spec:
  exportTo: ["."]
  http:
  - route: [{destination: {host: b.example.com}}]
`;

it.each([
  [root("leaf"), []],
  [root("gone"), ["FL0001"]],
  [root("hidden"), ["FL0002"]],
  [root("leaf", "/elsewhere"), ["FL0003"]],
])("says what of a delegation does not hold (%#)", (text, codes) => {
  const { documents } = parseDocuments(text, { file: "mesh.yaml" });
  const mesh = Mesh.of({ meshConfig: {}, config: documents.flatMap(({ object }) => object ?? []) });
  const found = analyzeExtra(mesh, documents);
  expect(found.map(({ code }) => code)).toEqual(codes);
  for (const { position, object } of found) expect([position?.line, object?.name]).toEqual([9, "root"]);
});

it("where an object is written twice, places are those of the one in force", () => {
  const texts = { "a.yaml": root("gone"), "b.yaml": `# moved\n${root("leaf")}` };
  const documents = Object.entries(texts).flatMap(([file, text]) => [...parseDocuments(text, { file }).documents]);
  const mesh = Mesh.of({ meshConfig: {}, config: textStore(texts).values() });
  expect(analyzeExtra(mesh, documents)).toMatchObject([{ code: "FL0001", position: { file: "a.yaml", line: 9 } }]);
});

it("after an edit the same is found as in the new mesh alone, by looking at what it changed", () => {
  const files = (text: string) => ({ "a.yaml": text, "b.yaml": SPLIT });
  const objects = (text: string) => textStore(files(text)).values();
  const documents = (text: string) =>
    Object.entries(files(text)).flatMap(([file, one]) => [...parseDocuments(one, { file }).documents]);
  const locateIn = (text: string) => {
    const byName = new Map(documents(text).map((document) => [document.name, document]));
    return (object: { readonly name: string }, path: string) => byName.get(object.name)?.locate(path);
  };
  const before = root("gone");
  const after = `# moved\n${root("leaf")}`;
  const given = [...objects(before)];
  const mesh = Mesh.of({ meshConfig: {}, config: given });
  const derivations = new Derivations(mesh);
  expect(extraFindings(derivations, locateIn(before)).map(({ code }) => code)).toEqual(["FL0001", "FL0010"]);
  const { computations } = derivations.statistics;
  const edited = [...objects(after)].find(({ metadata }) => metadata.name === "root");
  const previous = given.find(({ metadata }) => metadata.name === "root");
  derivations.advance(mesh.apply({ config: [{ key: "root", value: edited, previous }] }));
  const found = extraFindings(derivations, locateIn(after));
  expect(found).toEqual(analyzeExtra(Mesh.of({ meshConfig: {}, config: objects(after) }), documents(after)));
  expect(found.map(({ code, position }) => `${code} ${position?.file}:${position?.line}`)).toEqual(["FL0010 b.yaml:9"]);
  expect(derivations.statistics.computations - computations).toBeLessThan(10);
});

const SPLIT = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: split, namespace: default}
spec:
  hosts: [split.example.com]
  http:
  - route: [{destination: {host: b.example.com}}]
  - match: [{uri: {prefix: /never}}]
    route: [{destination: {host: c.example.com}}]
`;
