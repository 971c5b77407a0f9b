import type { ParsedDocument } from "@fairlead/config";
import { Derivations, type Mesh, type Query, virtualServiceDiagnostics } from "@fairlead/mesh";
import { type Diagnostic, type ObjectRef, objectKey, parseNode } from "@fairlead/model";
import { type OverlapFinding, overlapFindings, type PlaceOf } from "./overlap/findings.ts";

/** Rules of our own, beyond Istio's catalogue, by what is found. Codes are stable. */
export const EXTRA_RULES = {
  "delegate-missing": "FL0001",
  "delegate-not-visible": "FL0002",
  "delegate-conflict": "FL0003",
  "unreachable-rule": "FL0010",
  "contested-rule": "FL0011",
  "host-claimed-twice": "FL0012",
  // Told where the Gateway API's objects are converted (`gatewayApiStore` of `@fairlead/config`).
  "gateway-api-refused": "FL0020",
  "gateway-api-no-effect": "FL0021",
} as const satisfies Record<string, `FL${string}`>;

/**
 * What Istio's analyzers do not say. Routes that are handed to a VirtualService which is not there, may not be used from
 * here, or matches what its root does not. Rules for HTTP, TLS and TCP that nothing reaches because earlier ones take all of
 * it, alone or together; rules whose order alone decides about requests that both match (with such a request); hosts that two
 * VirtualServices claim in the mesh. Nothing of this is guessed: what cannot be decided is not reported. The positions are
 * those of the documents that the mesh was made from.
 */
export function analyzeExtra(mesh: Mesh, documents: Iterable<ParsedDocument>): readonly Diagnostic[] {
  const byObject = new Map<string, ParsedDocument>();
  // Where one object is written twice the first is in force.
  for (const document of documents) {
    const key = objectKey(document);
    if (!byObject.has(key)) byObject.set(key, document);
  }
  return extraFindings(new Derivations(mesh), (object, path) => byObject.get(objectKey(object))?.locate(path));
}

/**
 * As {@link analyzeExtra}, for a mesh that changes: what was found between VirtualServices that are as they were is not sought again
 * after the derivations have been advanced to a newer mesh.
 *
 * @param locate the position of a field of an object, where it is known.
 */
export function extraFindings(
  derivations: Derivations,
  locate: (object: ObjectRef, path: string) => Diagnostic["position"],
): readonly Diagnostic[] {
  // Neither delegation nor overlap depends on who looks; any proxy will do.
  const { node } = parseNode({ id: "sidecar~0.0.0.0~analysis.default~default.svc.cluster.local" });
  if (!node) return [];
  const placeOf: PlaceOf = ({ source, path }) => {
    const position = locate(source, path);
    return position && `${position.file}:${position.line}`;
  };
  return derivations.ask(extra, undefined, node).flatMap((finding) => {
    const code = EXTRA_RULES[finding.code as keyof typeof EXTRA_RULES];
    const { object, message } = finding;
    if (!code || !object) return [];
    const position = locate(object, finding.path);
    const said = typeof message === "string" ? message : message(placeOf);
    return [{ ...finding, code, message: said, ...(position && { position }) }];
  });
}

const extra: Query<void, readonly (Diagnostic | OverlapFinding)[]> = {
  name: "extra",
  key: () => "",
  compute: (read) => [...virtualServiceDiagnostics(read), ...overlapFindings(read)],
};
