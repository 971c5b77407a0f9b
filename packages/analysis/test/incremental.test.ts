import { type ParsedDocument, parseDocuments } from "@fairlead/config";
import { type Diagnostic, formatDiagnostic } from "@fairlead/model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Analysis, analyze } from "../src/index.ts";
import { analysisCases, documentsOf } from "./cases.ts";
import { hasConformanceData } from "./conformance-data.ts";

const written = (findings: readonly Diagnostic[]) => findings.map(formatDiagnostic);

describe.runIf(hasConformanceData())("objects of all of Istio's cases, moved together", () => {
  const documents = analysisCases().flatMap(documentsOf);
  const document = fc
    .tuple(fc.constantFrom(...documents), fc.constantFrom("default", "istio-system", "bookinfo", undefined))
    .map(([one, namespace]): ParsedDocument => (namespace && one.namespace ? { ...one, namespace } : one));
  const step = fc.tuple(fc.constantFrom("a.yaml", "b.yaml", "c.yaml"), fc.array(document, { maxLength: 40 }));

  it("are judged after any updates as they are at once, and updates tell what changed", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const analysis = new Analysis();
        const parts = new Map<string, readonly ParsedDocument[]>();
        let shown = written(analysis.findings);
        for (const [part, members] of steps) {
          if (members.length > 0) parts.set(part, members);
          else parts.delete(part);
          const { added, removed } = analysis.update([[part, members]]);
          const gone = new Set(written(removed));
          shown = [...shown.filter((finding) => !gone.has(finding)), ...written(added)];
        }
        const once = new Analysis();
        once.update(parts);
        expect(written(analysis.findings)).toEqual(written(once.findings));
        expect(shown.sort()).toEqual(written(once.findings).sort());
      }),
      { numRuns: 60 },
    );
  });
});

const SERVICE = (ports: string) => `apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: a}
spec: {ports: [${ports}]}
`;
const ROUTE = (host: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: a}
spec: {hosts: [reviews], http: [{route: [{destination: {host: ${host}}}]}]}
`;
const read = (text: string, file: string) => parseDocuments(text, { file }).documents;

describe("updates", () => {
  it("tell what is found now and what no longer", () => {
    const analysis = new Analysis();
    const found = analysis.update([["route", read(ROUTE("reviews"), "route.yaml")]]);
    expect(written(found.added)).toEqual([
      'route.yaml:4:57: error VirtualService a/reviews spec.http[0].route[0].destination.host: the host "reviews" does not exist [IST0101]',
    ]);
    const mended = analysis.update([["service", read(SERVICE("{name: http, port: 80}"), "service.yaml")]]);
    expect(mended).toEqual({ added: [], removed: found.added });
    expect(analysis.findings).toEqual([]);
    const gone = analysis.update([["service", []]]);
    expect(gone).toEqual({ added: found.added, removed: [] });
  });

  it("leave the later of two objects in force, and the earlier when that goes", () => {
    const analysis = new Analysis();
    analysis.update([
      ["old", read(SERVICE("{name: tcp, port: 1}, {name: tcp-2, port: 2}"), "old.yaml")],
      ["new", read(SERVICE("{name: tcp, port: 1}"), "new.yaml")],
      ["route", read(ROUTE("reviews"), "route.yaml")],
    ]);
    expect(analysis.findings).toEqual([]);
    analysis.update([["new", []]]);
    expect(analysis.findings.map(({ code }) => code)).toEqual(["IST0112"]);
  });

  it("are about the same as all at once for no documents", () => {
    expect(new Analysis().findings).toEqual(analyze([]));
  });
});
