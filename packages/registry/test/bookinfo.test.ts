import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { textStore } from "@fairlead/config";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { describe, expect, it } from "vitest";
import { conformancePath, hasConformanceData } from "./conformance.ts";

describe.runIf(hasConformanceData())("the Bookinfo manifests", () => {
  const folder = conformancePath("bookinfo/platform/kube");
  const load = (file: string) => textStore({ [file]: readFileSync(join(folder, file), "utf8") }).documents;
  const files = readdirSync(folder).filter((name) => name.endsWith(".yaml"));

  it.each(files)("%s loads without a diagnostic", (file) => {
    const documents = load(file);
    const registry = manifestsRegistry(documents);
    expect(registry.diagnostics()).toEqual([]);
    const of = (kind: string) => [...documents.values()].filter((document) => document.kind === kind).length;
    expect([...registry.services.keys()]).toHaveLength(of("Service"));
    expect([...registry.workloads.keys()]).toHaveLength(of("Deployment"));
  });

  it("bookinfo.yaml gives each service a workload that it selects", () => {
    const registry = manifestsRegistry(load("bookinfo.yaml"));
    const workloads = [...registry.workloads.values()];
    const selected = [...registry.services.values()].map(({ name, selector = {} }) => [
      name,
      workloads.filter(({ labels }) => labels.app === selector.app).map((workload) => workload.name),
    ]);
    expect(Object.fromEntries(selected)).toEqual({
      details: ["details-v1"],
      ratings: ["ratings-v1"],
      reviews: ["reviews-v1", "reviews-v2", "reviews-v3"],
      productpage: ["productpage-v1"],
    });
    expect(workloads.find(({ name }) => name === "reviews-v2")).toMatchObject({
      serviceAccount: "bookinfo-reviews",
      labels: { version: "v2" },
      addresses: [],
    });
  });
});
