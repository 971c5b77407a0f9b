import type { ParsedDocument } from "@fairlead/config";
import { Derivations, type Mesh, virtualServiceDiagnostics } from "@fairlead/mesh";
import { type Diagnostic, parseNode } from "@fairlead/model";

/** Rules of our own, beyond Istio's catalogue, by what the mesh calls them. Codes are stable. */
export const EXTRA_RULES = {
  "delegate-missing": "FL0001",
  "delegate-not-visible": "FL0002",
  "delegate-conflict": "FL0003",
} as const satisfies Record<string, `FL${string}`>;

/**
 * What Istio's analyzers do not say: routes that are handed to a VirtualService which is not there, may not be used from
 * here, or matches what its root does not. The positions are those of the documents that the mesh was made from.
 */
export function analyzeExtra(mesh: Mesh, documents: Iterable<ParsedDocument>): readonly Diagnostic[] {
  // Delegation does not depend on who looks; any proxy will do.
  const { node } = parseNode({ id: "sidecar~0.0.0.0~analysis.default~default.svc.cluster.local" });
  if (!node) return [];
  const found = new Derivations(mesh).ask(
    { name: "extra", key: () => "", compute: virtualServiceDiagnostics },
    undefined,
    node,
  );
  const byObject = new Map(
    [...documents].map((document) => [`${document.kind}/${document.namespace}/${document.name}`, document]),
  );
  return found.flatMap((diagnostic) => {
    const code = EXTRA_RULES[diagnostic.code as keyof typeof EXTRA_RULES];
    const { object } = diagnostic;
    if (!code || !object) return [];
    const position = byObject.get(`${object.kind}/${object.namespace}/${object.name}`)?.locate(diagnostic.path);
    return [{ ...diagnostic, code, ...(position && { position }) }];
  });
}
