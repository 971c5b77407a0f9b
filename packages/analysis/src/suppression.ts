import type { Resource } from "./resource.ts";

const ANNOTATION = "galley.istio.io/analyze-suppress";

/** One suppression of a flag: `CODE=Kind name.namespace`, `*` standing for any text. */
export interface Suppression {
  readonly code: string;
  readonly resource: string;
}

/** Whether a finding is suppressed: by the resource's annotation (codes, or `*`), or by a flag. */
export function isSuppressed(code: string, resource: Resource, suppressions: readonly Suppression[]): boolean {
  const own = (resource.annotations[ANNOTATION] ?? "").split(",").map((one) => one.trim());
  if (own.includes("*") || own.includes(code)) return true;
  const { kind, name, namespace } = resource.ref;
  const text = `${kind} ${name}${namespace ? `.${namespace}` : ""}`;
  return suppressions.some((one) => one.code === code && globMatches(one.resource, text));
}

function globMatches(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  const [first = "", ...rest] = parts;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const [index, part] of rest.entries()) {
    const found = index === rest.length - 1 ? text.lastIndexOf(part) : text.indexOf(part, at);
    if (found < at) return false;
    at = found + part.length;
  }
  return at === text.length;
}
