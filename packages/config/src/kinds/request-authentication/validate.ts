import { parseUrl } from "../../common/url.ts";
import type { ObjectOf } from "../../kinds.ts";
import { checkAttachment } from "../../validation/attachment.ts";
import { check, checkDuration } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { jwksFault, privateKeys } from "./jwks.ts";
import type { JwtRule, RequestAuthentication } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateRequestAuthentication({ spec }: ObjectOf<RequestAuthentication>, report: Report): void {
  checkAttachment(spec, report);
  for (const [index, rule] of (spec.jwtRules ?? []).entries()) checkJwtRule(rule, report.at("jwtRules", index));
}

function checkJwtRule(rule: JwtRule, report: Report): void {
  const { issuer, jwksUri, jwks, outputClaimToHeaders, timeout } = rule;
  if (!issuer && !jwksUri) report.error("required", "one of issuer, jwksUri is required");
  if (jwksUri !== undefined && jwks !== undefined)
    report.error("conflicting-fields", "jwks and jwksUri exclude each other");
  if (jwksUri !== undefined) check(report.at("jwksUri"), "invalid-url", jwksUriFault(jwksUri));
  if (jwks) {
    const fault = jwksFault(jwks);
    if (fault) report.at("jwks").error("invalid-jwks", fault);
    for (const key of privateKeys(jwks))
      report.at("jwks").warning("private-key", `key ${key} holds private material; only the public part is used`);
  }
  for (const field of ["audiences", "fromParams", "fromCookies"] as const)
    for (const [index, value] of (rule[field] ?? []).entries())
      if (value === "") report.at(field, index).error("required", "must not be empty");
  for (const [index, { name }] of (rule.fromHeaders ?? []).entries())
    if (name === "") report.at("fromHeaders", index, "name").error("required", "must not be empty");
  for (const [index, { header, claim }] of (outputClaimToHeaders ?? []).entries()) {
    const at = report.at("outputClaimToHeaders", index);
    if (claim === "") at.at("claim").error("required", "must not be empty");
    if (!/^[-_A-Za-z0-9]+$/.test(header))
      at.at("header").error("invalid-header", `${JSON.stringify(header)} is not a valid header name`);
  }
  checkDuration(timeout, report.at("timeout"));
}

function jwksUriFault(uri: string): string | undefined {
  const parsed = parseUrl(uri);
  if ("fault" in parsed) return parsed.fault;
  const http = parsed.scheme === "http" || parsed.scheme === "https";
  return http ? undefined : `${JSON.stringify(uri)} is not an http:// or https:// URL`;
}
