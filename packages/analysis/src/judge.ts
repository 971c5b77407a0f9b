import type { ParsedDocument } from "@fairlead/config";
import type { Diagnostic } from "@fairlead/model";
import { CATALOGUE, type Code } from "./catalogue.ts";
import type { Resource } from "./resource.ts";
import { AS_WRITTEN, BY_ID, type ResourceIndex } from "./resource-index.ts";
import type { Rule } from "./rule.ts";
import { isSuppressed, type Suppression } from "./suppression.ts";
import { type Derived, derived, type World } from "./world.ts";

/** Namespaces of Kubernetes itself: what is in them is nobody's to change. */
const SYSTEM_NAMESPACES: ReadonlySet<string> = new Set([
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "local-path-storage",
]);

/** What rules say about the resources under a key of an index. */
export function groupFindings(
  index: ResourceIndex,
  rules: readonly Rule[],
  suppress: readonly Suppression[],
): Derived<string, readonly Diagnostic[]> {
  const byKind = new Map<string, Rule[]>();
  for (const rule of rules) for (const kind of rule.kinds) byKind.set(kind, [...(byKind.get(kind) ?? []), rule]);
  const findings = derived(
    "findings",
    (id: string) => id,
    (world, id): readonly Diagnostic[] => {
      const [resource] = world.under(BY_ID, id);
      const [written = resource] = world.under(AS_WRITTEN, id);
      return resource && written
        ? judge(resource, written.document, world, byKind.get(resource.kind) ?? [], suppress)
        : [];
    },
  );
  return derived(
    "group findings",
    (key: string) => key,
    (world, key) => world.under(index, key).flatMap(({ id }) => [...world.ask(findings, id)]),
  );
}

/** With positions (`written` is the same as the resource's document but for those), and without what is suppressed. */
function judge(
  resource: Resource,
  written: ParsedDocument,
  world: World,
  rules: readonly Rule[],
  suppress: readonly Suppression[],
): readonly Diagnostic[] {
  if (SYSTEM_NAMESPACES.has(resource.ref.namespace)) return [];
  const findings: Diagnostic[] = [];
  const report = (code: Code, message: string, path = "") => {
    if (isSuppressed(code, resource, suppress)) return;
    const position = written.locate(path);
    const { severity } = CATALOGUE[code];
    findings.push({ code, severity, message, path, object: resource.ref, ...(position && { position }) });
  };
  for (const rule of rules) rule.check(resource, report, world);
  return findings;
}
