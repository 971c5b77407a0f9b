import type { Reader } from "./derivation.ts";
import { nodeLabel } from "./node-labels.ts";

/**
 * Who sees an object: everybody, nobody, or the namespaces listed. `exportTo` uses `*`, `.`, `~` and namespace names;
 * empty means the mesh default. Source: Istio API, `exportTo`.
 */
export type Visibility = "public" | "none" | ReadonlySet<string>;

export function visibilityOf(
  exportTo: readonly string[] | undefined,
  defaults: readonly string[] | undefined,
  namespace: string,
): Visibility {
  const stated = exportTo && exportTo.length > 0 ? exportTo : defaults;
  if (!stated || stated.length === 0 || stated.includes("*")) return "public";
  if (stated.includes("~")) return "none";
  return new Set(stated.map((entry) => (entry === "." ? namespace : entry)));
}

export function isVisibleTo(visibility: Visibility, namespace: string): boolean {
  return visibility === "public" || (visibility !== "none" && visibility.has(namespace));
}

/** The node's namespace when it is one of `relevant`, else empty: nodes that no rule tells apart share what is derived. */
export function namespaceAmong(read: Reader, relevant: Iterable<string>): string {
  const names = new Set(relevant);
  if (names.size === 0) return "";
  return read.fact(`namespace of ${[...names].sort().join(",")}`, (node) =>
    names.has(node.namespace) ? node.namespace : "",
  );
}

export function nodeNamespace(read: Reader): string {
  return read.fact("namespace", (node) => node.namespace);
}

/** Whether the node carries every label of `selector`; forks on these labels only. */
export function nodeMatches(read: Reader, selector: Readonly<Record<string, string>>): boolean {
  for (const key of Object.keys(selector).sort()) if (nodeLabel(read, key) !== selector[key]) return false;
  return true;
}
