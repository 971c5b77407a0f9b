import type { ParsedDocument } from "@fairlead/config";
import type { Diagnostic } from "@fairlead/model";
import { Analysis, type AnalyzeOptions } from "./analysis.ts";

/**
 * Looks at objects together, as `parseDocuments` of `@fairlead/config` read them: what is right alone and wrong in
 * company. Each finding has a code of Istio's catalogue, the object, the field and, where it is known, its position.
 * Pure; the order of the documents changes nothing. For objects that change there is {@link Analysis}.
 */
export function analyze(documents: Iterable<ParsedDocument>, options: AnalyzeOptions = {}): readonly Diagnostic[] {
  const analysis = new Analysis(options);
  analysis.update([["documents", documents]]);
  return analysis.findings;
}
