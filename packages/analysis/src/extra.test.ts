import { parseDocuments, textStore } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { expect, it } from "vitest";
import { analyzeExtra } from "./extra.ts";

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
