import { headerValueFault } from "../../common/header-value.ts";
import { check } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import type { Headers } from "./http-route.ts";

export function isAuthorityHeader(name: string): boolean {
  return /^(:authority|host)$/i.test(name);
}

/** Header operations: pseudo headers are out of reach, except `:authority` and `host`, which a request may be given. */
export function checkHeaders(headers: Headers | undefined, report: Report): void {
  for (const direction of ["request", "response"] as const) {
    const operations = headers?.[direction];
    const at = report.at(direction);
    for (const operation of ["add", "set"] as const)
      for (const [name, value] of Object.entries(operations?.[operation] ?? {})) {
        checkName(name, direction === "request", at.at(operation, name));
        check(at.at(operation, name), "invalid-header", headerValueFault(value));
      }
    for (const [index, name] of (operations?.remove ?? []).entries()) checkName(name, false, at.at("remove", index));
  }
}

function checkName(name: string, authorityAllowed: boolean, report: Report): void {
  if (name === "") report.error("invalid-header", "a header name must not be empty");
  else if ((name.startsWith(":") || /^host$/i.test(name)) && !(authorityAllowed && isAuthorityHeader(name)))
    report.error("invalid-header", `the header ${name} cannot be changed`);
}
