import { KINDS, type KindName, type ParsedDocument, parseDocuments, printDocument } from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { formatDiagnostic, objectKey } from "@fairlead/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { analyze, analyzeExtra } from "../src/index.ts";
import { analysisCases, documentsOf } from "./cases.ts";
import { hasConformanceData } from "./conformance-data.ts";

const meshOf = (documents: readonly ParsedDocument[]) =>
  Mesh.of({ meshConfig: {}, config: documents.flatMap(({ object }) => object ?? []) });

describe.runIf(hasConformanceData())("the inputs of Istio's analyzers", () => {
  it.each(analysisCases().map((one) => [one.id, one] as const))("%s: in any order the same is found", (_, one) => {
    const documents = [...new Map(documentsOf(one).map((document) => [objectKey(document), document])).values()];
    const found = (order: readonly ParsedDocument[]) =>
      [...analyze(order), ...analyzeExtra(meshOf(order), order)].map(formatDiagnostic).sort();
    expect(found(documents.toReversed())).toEqual(found(documents));
  });
});

const KUBERNETES = [
  "Service",
  "Pod",
  "Namespace",
  "Node",
  "ConfigMap",
  "Secret",
  "Deployment",
  "MutatingWebhookConfiguration",
];
const apiVersions: Readonly<Record<string, string>> = {
  Deployment: "apps/v1",
  MutatingWebhookConfiguration: "admissionregistration.k8s.io/v1",
};

it("objects of any JSON are looked at without an exception", () => {
  const kinds = [
    ...Object.entries(KINDS).map(
      ([kind, { group, versions }]) => [kind as KindName, `${group}/${versions[0]}`] as const,
    ),
    ...KUBERNETES.map((kind) => [kind, apiVersions[kind] ?? "v1"] as const),
    ["Gateway", "gateway.networking.k8s.io/v1"] as const,
  ];
  const object = fc
    .tuple(fc.constantFrom(...kinds), fc.jsonValue(), fc.jsonValue(), fc.constantFrom("a", "b"))
    .map(([[kind, apiVersion], spec, metadata, name]) => {
      const given = typeof metadata === "object" && metadata !== null && !Array.isArray(metadata) ? metadata : {};
      return printDocument({
        apiVersion,
        kind,
        metadata: { ...given, name, namespace: "n" },
        spec,
        webhooks: spec,
        data: spec,
      });
    });
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 12 }), (texts) => {
      const { documents } = parseDocuments(texts.join("---\n"), { file: "a.yaml" });
      for (const { code } of analyze(documents)) expect(code).toMatch(/^IST\d{4}$|^[a-z-]+$/);
      const byKey = new Map(documents.map((document) => [`${document.apiVersion} ${objectKey(document)}`, document]));
      const distinct = [...byKey.values()];
      const found = (order: readonly ParsedDocument[]) => analyze(order).map(formatDiagnostic).sort();
      expect(found(distinct.toReversed())).toEqual(found(distinct));
    }),
    { numRuns: 150 },
  );
});
