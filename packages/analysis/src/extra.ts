import type { ParsedDocument } from "@fairlead/config";
import { Derivations, type Mesh, virtualServiceDiagnostics } from "@fairlead/mesh";
import { type Diagnostic, objectKey, parseNode } from "@fairlead/model";
import { overlapDiagnostics } from "./overlap/findings.ts";

/** Rules of our own, beyond Istio's catalogue, by what is found. Codes are stable. */
export const EXTRA_RULES = {
  "delegate-missing": "FL0001",
  "delegate-not-visible": "FL0002",
  "delegate-conflict": "FL0003",
  "unreachable-rule": "FL0010",
  "contested-rule": "FL0011",
  "host-claimed-twice": "FL0012",
} as const satisfies Record<string, `FL${string}`>;

/**
 * What Istio's analyzers do not say. Routes that are handed to a VirtualService which is not there, may not be used from
 * here, or matches what its root does not. Rules for HTTP, TLS and TCP that nothing reaches because earlier ones take all of
 * it, alone or together; rules whose order alone decides about requests that both match (with such a request); hosts that two
 * VirtualServices claim in the mesh. Nothing of this is guessed: what cannot be decided is not reported. The positions are
 * those of the documents that the mesh was made from.
 */
export function analyzeExtra(mesh: Mesh, documents: Iterable<ParsedDocument>): readonly Diagnostic[] {
  // Neither delegation nor overlap depends on who looks; any proxy will do.
  const { node } = parseNode({ id: "sidecar~0.0.0.0~analysis.default~default.svc.cluster.local" });
  if (!node) return [];
  const byObject = new Map<string, ParsedDocument>();
  // Where one object is written twice the first is in force.
  for (const document of documents) {
    const key = objectKey(document);
    if (!byObject.has(key)) byObject.set(key, document);
  }
  const placeOf: Parameters<typeof overlapDiagnostics>[1] = ({ source, path }) => {
    const position = byObject.get(objectKey(source))?.locate(path);
    return position && `${position.file}:${position.line}`;
  };
  const found = new Derivations(mesh).ask(
    {
      name: "extra",
      key: () => "",
      compute: (read) => [...virtualServiceDiagnostics(read), ...overlapDiagnostics(read, placeOf)],
    },
    undefined,
    node,
  );
  return found.flatMap((diagnostic) => {
    const code = EXTRA_RULES[diagnostic.code as keyof typeof EXTRA_RULES];
    const { object } = diagnostic;
    if (!code || !object) return [];
    const position = byObject.get(objectKey(object))?.locate(diagnostic.path);
    return [{ ...diagnostic, code, ...(position && { position }) }];
  });
}
