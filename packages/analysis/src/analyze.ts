import type { MeshConfig, MeshNetworks, ParsedDocument } from "@fairlead/config";
import { kindOf } from "@fairlead/config";
import type { Diagnostic } from "@fairlead/model";
import { CATALOGUE, type Code } from "./catalogue.ts";
import { defaultGateway } from "./default-gateway.ts";
import { inputOf, type Resource } from "./input.ts";
import { RULES } from "./rules.ts";
import { isSuppressed, type Suppression } from "./suppression.ts";

export interface AnalyzeOptions {
  readonly meshConfig?: MeshConfig;
  readonly meshNetworks?: MeshNetworks;
  /** Default: {@link RULES}, all of them. */
  readonly rules?: typeof RULES;
  readonly suppress?: readonly Suppression[];
  /** Whether the ingress gateway that an installation brings is taken as there. Default true. */
  readonly defaultGateway?: boolean;
}

/** Namespaces of Kubernetes itself: what is in them is nobody's to change. */
const SYSTEM_NAMESPACES: ReadonlySet<string> = new Set([
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "local-path-storage",
]);

const ORDER = { error: 0, warning: 1, info: 2 } as const;

/**
 * Looks at objects together, as `parseDocuments` of `@fairlead/config` read them: what is right alone and wrong in
 * company. Each finding has a code of Istio's catalogue, the object, the field and, where it is known, its position.
 * Pure; the order of the documents changes nothing but the order in which equals are told.
 */
export function analyze(documents: Iterable<ParsedDocument>, options: AnalyzeOptions = {}): readonly Diagnostic[] {
  const { meshConfig = {}, meshNetworks = {}, rules = RULES, suppress = [] } = options;
  const given = [...documents];
  const builtIn =
    (options.defaultGateway ?? true) && meshConfig.ingressControllerMode !== "OFF"
      ? defaultGateway(meshConfig.rootNamespace || "istio-system", meshConfig.ingressService || "istio-ingressgateway")
      : [];
  const input = inputOf([...builtIn, ...given], meshConfig, meshNetworks);
  const findings: Diagnostic[] = [];
  const report = (code: Code, resource: Resource, message: string, path = "") => {
    if (SYSTEM_NAMESPACES.has(resource.ref.namespace)) return;
    if (isSuppressed(code, resource, suppress)) return;
    const position = resource.document.locate(path);
    const { severity } = CATALOGUE[code];
    findings.push({ code, severity, message, path, object: resource.ref, ...(position && { position }) });
  };
  for (const rule of rules) rule.check(input, report);
  return [...undecodable(given), ...distinct(findings)].sort(
    (a, b) =>
      ORDER[a.severity] - ORDER[b.severity] ||
      compare(a.code, b.code) ||
      compare(nameOf(a), nameOf(b)) ||
      compare(a.path, b.path),
  );
}

/** Objects of no kind that is known have nothing but what the reader said. */
function undecodable(documents: readonly ParsedDocument[]): readonly Diagnostic[] {
  return documents
    .filter(({ apiVersion, kind }) => kindOf(apiVersion, kind) === undefined)
    .flatMap(({ diagnostics }) => diagnostics);
}

/** The same thing is said once of a place. */
function distinct(findings: readonly Diagnostic[]): readonly Diagnostic[] {
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const key = [finding.code, nameOf(finding), finding.path, finding.message].join("|");
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function nameOf({ object }: Diagnostic): string {
  return object ? `${object.kind}/${object.namespace}/${object.name}` : "";
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
