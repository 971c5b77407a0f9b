import { check, checkSubnet } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";

/** Checks the values of a list of a source or an operation, by the list's name (`notX` as `x`). */
export function checkValues(field: string, values: readonly string[], report: Report): void {
  const name = field.replace(/^not(.)/, (_, first: string) => first.toLowerCase());
  if (name === "serviceAccounts" && values.length > 16) report.error("out-of-range", "must have at most 16 items");
  const fault = FAULTS[name];
  for (const [index, value] of values.entries()) {
    const at = report.at(index);
    if (value === "") at.error("required", "must not be empty");
    else if (name === "ipBlocks" || name === "remoteIpBlocks") checkSubnet(value, at);
    else if (fault) check(at, "invalid-value", fault(value));
  }
}

const FAULTS: Readonly<Record<string, (value: string) => string | undefined>> = {
  serviceAccounts: serviceAccountFault,
  trustDomains: (value) =>
    wildcardFault(value) ?? (value.includes("/") ? `${JSON.stringify(value)} must not contain /` : undefined),
  ports: portFault,
  paths: pathTemplateFault,
};

/** `name` or `namespace/name`. */
export function serviceAccountFault(value: string): string | undefined {
  if (value.includes("*")) return "no wildcard is allowed";
  if (value.length > 320) return "must have at most 320 characters";
  return /^[^/]+(\/[^/]+)?$/.test(value) ? undefined : `${JSON.stringify(value)} is not a name or namespace/name`;
}

/** Exact, `prefix*`, `*suffix` or `*`. */
export function wildcardFault(value: string): string | undefined {
  const stars = value.split("*").length - 1;
  if (stars > 1) return `${JSON.stringify(value)} has more than one wildcard`;
  const inside = stars === 1 && !value.startsWith("*") && !value.endsWith("*");
  return inside ? `the wildcard in ${JSON.stringify(value)} must be at its start or end` : undefined;
}

export function portFault(value: string): string | undefined {
  return /^\d+$/.test(value) && Number(value) <= 65535 ? undefined : `${JSON.stringify(value)} is not a port`;
}

/** A path; with templates `{*}` (one segment) and `{**}` (the rest) every other segment must be plain. */
function pathTemplateFault(path: string): string | undefined {
  const template = path.includes("{*}") || path.includes("{**}");
  let rest = false;
  for (const segment of path.replace(/^\/+|\/+$/g, "").split("/")) {
    if (segment === "{*}" || segment === "{**}") {
      if (rest) return `{**} must be the last template in ${JSON.stringify(path)}`;
      rest = segment === "{**}";
      continue;
    }
    if (/[{}]/.test(segment)) return `${JSON.stringify(path)} has braces that are no template ({*} or {**})`;
    if (template && !/^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$/.test(segment))
      return `${JSON.stringify(path)} has the segment ${JSON.stringify(segment)}, which cannot stand beside a template`;
  }
  return undefined;
}
