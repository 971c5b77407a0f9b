import { existsSync, readFileSync } from "node:fs";
import { formatDiagnostic } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { parseDocuments } from "../src/index.ts";
import { directoryStore } from "../src/stores/directory.ts";
import { hasConformance, sharedPath } from "./conformance.ts";

describe.runIf(hasConformance())("real input", () => {
  it("reads every file of Bookinfo", async () => {
    await using store = directoryStore(sharedPath("conformance/bookinfo"), { watch: false });
    await store.ready;
    const errors = store.diagnostics().filter(({ severity }) => severity === "error");
    // The sample offers variants of the same objects to choose from; besides that nothing is wrong with it.
    expect(errors.filter(({ code }) => code !== "duplicate-object").map(formatDiagnostic)).toEqual([]);
    expect([...store.keys()]).toContain("VirtualService/default/reviews");
    expect([...store.documents.keys()]).toContain("Service/default/productpage");
  });

  const template = sharedPath("bench/scenarios/knative-gateway.yaml");
  it.runIf(existsSync(template))("reads duplicate keys as Istio does, when it is told to", () => {
    const text = readFileSync(template, "utf8");
    const strict = parseDocuments(text, { file: "knative-gateway.yaml" });
    expect(new Set(strict.diagnostics.map(({ code }) => code))).toContain("duplicate-key");
    const { documents, diagnostics } = parseDocuments(text, { file: "knative-gateway.yaml", duplicateKeys: "last" });
    expect(diagnostics.filter(({ severity }) => severity === "error").map(formatDiagnostic)).toEqual([]);
    expect(documents.length).toBeGreaterThan(strict.documents.length);
  });
});
