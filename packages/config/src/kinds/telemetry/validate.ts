import type { ObjectOf } from "../../kinds.ts";
import { checkAttachment } from "../../validation/attachment.ts";
import type { Report } from "../../validation/report.ts";
import { expressionFault } from "./expression.ts";
import type { CustomTag, MetricsOverride, ProviderRef, Telemetry } from "./schema.ts";

/** Source: Istio `pkg/config/validation` and the CRD. `filter.expression` (CEL) is left to the proxy. */
export function validateTelemetry({ spec }: ObjectOf<Telemetry>, report: Report): void {
  checkAttachment(spec, report);
  for (const [index, { providers, overrides }] of (spec.metrics ?? []).entries()) {
    const at = report.at("metrics", index);
    checkProviders(providers, at.at("providers"));
    for (const [overrideIndex, override] of (overrides ?? []).entries())
      checkOverride(override, at.at("overrides", overrideIndex));
  }
  if ((spec.tracing?.length ?? 0) > 1) report.at("tracing").warning("unsupported", "only the first one takes effect");
  for (const [index, { providers, randomSamplingPercentage = 0, customTags }] of (spec.tracing ?? []).entries()) {
    const at = report.at("tracing", index);
    if ((providers?.length ?? 0) > 1) at.at("providers").warning("unsupported", "only the first one takes effect");
    checkProviders(providers, at.at("providers"));
    if (randomSamplingPercentage < 0 || randomSamplingPercentage > 100)
      at.at("randomSamplingPercentage").error("out-of-range", "must be from 0 to 100");
    for (const [name, tag] of Object.entries(customTags ?? {})) checkTag(name, tag, at.at("customTags", name));
  }
  for (const [index, { providers, filter }] of (spec.accessLogging ?? []).entries()) {
    checkProviders(providers, report.at("accessLogging", index, "providers"));
    if (filter) checkFilter(filter.expression ?? "", report.at("accessLogging", index, "filter", "expression"));
  }
}

function checkFilter(expression: string, report: Report): void {
  const fault = expressionFault(expression);
  if (fault) report.error("invalid-expression", fault);
}

function checkProviders(providers: readonly ProviderRef[] | undefined, report: Report): void {
  for (const [index, { name }] of (providers ?? []).entries())
    if (name === "") report.at(index, "name").error("required", "must not be empty");
}

function checkTag(name: string, { literal, header, environment }: CustomTag, report: Report): void {
  if (name === "") report.error("required", "the name of a tag must not be empty");
  if (literal?.value === "") report.at("literal", "value").error("required", "must not be empty");
  if (header?.name === "") report.at("header", "name").error("required", "must not be empty");
  if (environment?.name === "") report.at("environment", "name").error("required", "must not be empty");
}

function checkOverride({ match, tagOverrides }: MetricsOverride, report: Report): void {
  if (match?.customMetric === "") report.at("match", "customMetric").error("required", "must not be empty");
  for (const [name, { operation = "UPSERT", value }] of Object.entries(tagOverrides ?? {})) {
    const at = report.at("tagOverrides", name);
    if (name === "") at.warning("required", "the name of a tag should not be empty");
    if (operation === "UPSERT" && !value) at.at("value").error("required", "is required for UPSERT");
    if (operation === "REMOVE" && value !== undefined)
      at.at("value").error("conflicting-fields", "must not be set for REMOVE");
  }
}
