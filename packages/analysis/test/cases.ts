import type { MeshConfig, ParsedDocument } from "@fairlead/config";
import { parseDocuments, parseMeshNetworks } from "@fairlead/config";
import { formatObject } from "@fairlead/model";
import { parse } from "yaml";
import { analyze } from "../src/analyze.ts";
import { analyzeClusters } from "../src/clusters.ts";
import { conformanceText } from "./conformance-data.ts";

interface Message {
  readonly code: string;
  readonly resource: string;
  readonly line?: number;
}

export interface AnalysisCase {
  readonly id: string;
  readonly analyzer: string;
  readonly inputFiles?: readonly string[];
  readonly meshConfigFile?: string;
  readonly meshNetworksFile?: string;
  readonly multicluster?: boolean;
  readonly cluster1InputFiles?: readonly string[];
  readonly cluster2InputFiles?: readonly string[];
  readonly analyzerMessages: readonly Message[];
  readonly allAnalyzersMessages?: readonly Message[];
}

export function analysisCases(): readonly AnalysisCase[] {
  return (conformanceText("analysis/cases.jsonl") ?? "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as AnalysisCase);
}

function read(files: readonly string[] = []) {
  const options = { defaultNamespace: "", duplicateKeys: "last" } as const;
  return files.flatMap(
    (file) => parseDocuments(conformanceText(`analysis/${file}`) ?? "", { ...options, file }).documents,
  );
}

/** All documents of a case. */
export function documentsOf(one: AnalysisCase): readonly ParsedDocument[] {
  return [one.inputFiles, one.cluster1InputFiles, one.cluster2InputFiles].flatMap(read);
}

/** Findings as `code Kind namespace/name`, sorted. */
export function findingsOf(one: AnalysisCase): readonly string[] {
  const meshConfig = one.meshConfigFile
    ? (parse(conformanceText(`analysis/${one.meshConfigFile}`) ?? "") as MeshConfig)
    : {};
  const clusters = new Map([
    ["cluster1", read(one.cluster1InputFiles)],
    ["cluster2", read(one.cluster2InputFiles)],
  ]);
  const { meshNetworks = {} } = one.meshNetworksFile
    ? parseMeshNetworks(conformanceText(`analysis/${one.meshNetworksFile}`) ?? "", { file: one.meshNetworksFile })
    : {};
  const findings = one.multicluster
    ? analyzeClusters(clusters)
    : analyze(read(one.inputFiles), { meshConfig, meshNetworks });
  return findings.map(({ code, object }) => `${code} ${object ? formatObject(object) : ""}`).sort();
}

/** The multi-cluster case was run with the one analyzer that looks at several clusters. */
export function expectedOf(one: AnalysisCase): readonly string[] {
  return (one.allAnalyzersMessages ?? one.analyzerMessages).map(({ code, resource }) => `${code} ${resource}`).sort();
}
