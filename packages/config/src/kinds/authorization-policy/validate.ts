import type { ObjectOf } from "../../kinds.ts";
import { checkAttachment } from "../../validation/attachment.ts";
import type { Report } from "../../validation/report.ts";
import { checkCondition } from "./check-condition.ts";
import { checkValues } from "./check-values.ts";
import type { AuthorizationOperation, AuthorizationPolicy, AuthorizationRule, AuthorizationSource } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. */
export function validateAuthorizationPolicy({ spec }: ObjectOf<AuthorizationPolicy>, report: Report): void {
  const { action = "ALLOW", rules, provider } = spec;
  checkAttachment(spec, report);
  if (action === "CUSTOM") {
    if (rules?.length && !provider?.name) report.at("provider", "name").error("required", "is required for CUSTOM");
    for (const [index, rule] of (rules ?? []).entries()) checkCustomRule(rule, report.at("rules", index));
  } else if (provider) report.at("provider").error("conflicting-fields", `is for CUSTOM only, not for ${action}`);
  if (!rules?.length && (action === "CUSTOM" || action === "DENY"))
    report.at("rules").error("required", `${action} without rules never applies; write rules: [{}] for all requests`);
  for (const [index, rule] of (rules ?? []).entries()) checkRule(rule, action, report.at("rules", index));
}

const NOT_CUSTOM_SOURCE = [
  "namespaces",
  "notNamespaces",
  "serviceAccounts",
  "notServiceAccounts",
  "trustDomains",
  "notTrustDomains",
  "principals",
  "notPrincipals",
  "requestPrincipals",
  "notRequestPrincipals",
] as const;

/** What an external authorizer cannot be asked about. */
function checkCustomRule({ from, when }: AuthorizationRule, report: Report): void {
  for (const [index, { source }] of (from ?? []).entries())
    for (const field of NOT_CUSTOM_SOURCE)
      if (source?.[field]?.length)
        report.at("from", index, "source", field).error("unsupported", "is not supported with CUSTOM");
  for (const [index, { key }] of (when ?? []).entries())
    if (/^(source\.(namespace|serviceAccount|trustDomain|principal)$|request\.auth\.)/.test(key))
      report.at("when", index, "key").error("unsupported", `${key} is not supported with CUSTOM`);
}

const TCP_SOURCE = [
  "principals",
  "notPrincipals",
  "ipBlocks",
  "notIpBlocks",
  "remoteIpBlocks",
  "notRemoteIpBlocks",
  "namespaces",
  "notNamespaces",
  "serviceAccounts",
  "notServiceAccounts",
] as const;

function checkRule({ from, to, when }: AuthorizationRule, action: string, report: Report): void {
  for (const [index, { source }] of (from ?? []).entries()) {
    const at = report.at("from", index, "source");
    if (source === undefined) at.error("required", "is required");
    else checkSource(source, at);
  }
  for (const [index, { operation }] of (to ?? []).entries()) {
    const at = report.at("to", index, "operation");
    if (operation === undefined) at.error("required", "is required");
    else checkOperation(operation, at);
  }
  for (const [index, condition] of (when ?? []).entries()) checkCondition(condition, report.at("when", index));
  const sources = (from ?? []).flatMap(({ source }) => source ?? []);
  const operations = (to ?? []).flatMap(({ operation }) => operation ?? []);
  const tcpSource = sources.some((source) => TCP_SOURCE.some((field) => source[field]?.length));
  const tcpOperation = operations.some(({ ports, notPorts }) => ports?.length || notPorts?.length);
  const httpOnly =
    (sources.length > 0 && operations.length === 0 && !tcpSource) || (operations.length > 0 && !tcpOperation);
  if (httpOnly && action === "DENY")
    report.warning("denies-tcp", "has HTTP attributes only, so it denies all traffic of TCP ports; name the ports");
}

function checkSource(source: AuthorizationSource, report: Report): void {
  const set = (fields: readonly (keyof AuthorizationSource)[]) => fields.some((field) => source[field] !== undefined);
  if (
    set(["serviceAccounts", "notServiceAccounts"]) &&
    set(["principals", "notPrincipals", "namespaces", "notNamespaces"])
  )
    report.error("conflicting-fields", "serviceAccounts exclude principals and namespaces");
  if (Object.values(source).every((values) => !values?.length)) report.error("required", "must not be empty");
  for (const [field, values] of Object.entries(source)) checkValues(field, values ?? [], report.at(field));
}

function checkOperation(operation: AuthorizationOperation, report: Report): void {
  if (Object.values(operation).every((values) => !values?.length)) report.error("required", "must not be empty");
  for (const [field, values] of Object.entries(operation)) checkValues(field, values ?? [], report.at(field));
}
