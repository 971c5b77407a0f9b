import type { Diagnostic, Labels, Service } from "@fairlead/model";

const VALUES: ReadonlyMap<string, NonNullable<Service["trafficDistribution"]>> = new Map([
  ["PreferClose", "PreferSameZone"],
  ["PreferSameZone", "PreferSameZone"],
  ["PreferSameNode", "PreferSameNode"],
]);
const IN_ANY_CASE = new Map([...VALUES].map(([name, value]) => [name.toLowerCase(), value]));

const ANNOTATION = "networking.istio.io/traffic-distribution";

/**
 * The field (exact), else the object's annotation, else its namespace's (both in any case). An annotation that is not understood means: any.
 * `PreferClose` is the older name of `PreferSameZone`. Source: Istio `model.GetTrafficDistribution`.
 */
export function trafficDistribution(
  field: string | undefined,
  annotations: Labels,
  namespaceAnnotations: Labels,
): { readonly value: Service["trafficDistribution"]; readonly diagnostics: readonly Omit<Diagnostic, "object">[] } {
  const fromField = field === undefined ? undefined : VALUES.get(field);
  if (fromField) return { value: fromField, diagnostics: [] };
  const own = annotations[ANNOTATION];
  const text = own || namespaceAnnotations[ANNOTATION];
  if (!text)
    return { value: undefined, diagnostics: field === undefined ? [] : [unknown("spec.trafficDistribution", field)] };
  const value = IN_ANY_CASE.get(text.toLowerCase());
  const path = own ? `metadata.annotations[${JSON.stringify(ANNOTATION)}]` : "";
  return { value, diagnostics: value === undefined && own ? [unknown(path, text)] : [] };
}

function unknown(path: string, text: string): Omit<Diagnostic, "object"> {
  return {
    code: "unknown-value",
    severity: "warning",
    path,
    message: `${JSON.stringify(text)} is not PreferSameZone, PreferClose or PreferSameNode: any endpoint may be chosen`,
  };
}
