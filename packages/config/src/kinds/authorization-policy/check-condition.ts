import { check, checkSubnet } from "../../validation/checks.ts";
import type { Report } from "../../validation/report.ts";
import { portFault, serviceAccountFault, wildcardFault } from "./check-values.ts";
import type { AuthorizationCondition } from "./schema.ts";

type CheckValue = (value: string, report: Report) => void;

const anything: CheckValue = () => undefined;
const by =
  (fault: (value: string) => string | undefined): CheckValue =>
  (value, report) =>
    check(report, "invalid-value", fault(value));

/** The attributes a condition can ask for, and what their values must be. */
const ATTRIBUTES: Readonly<Record<string, CheckValue>> = {
  "source.ip": checkSubnet,
  "remote.ip": checkSubnet,
  "source.namespace": anything,
  "source.serviceAccount": by(serviceAccountFault),
  "source.principal": anything,
  "source.trustDomain": by(wildcardFault),
  "request.auth.principal": anything,
  "request.auth.audiences": anything,
  "request.auth.presenter": anything,
  "destination.ip": checkSubnet,
  "destination.port": by(portFault),
  "connection.sni": anything,
};

const KEYED = /^(request\.headers|request\.auth\.claims|experimental\.envoy\.filters\.)/;

export function checkCondition({ key, values, notValues }: AuthorizationCondition, report: Report): void {
  if (key === "") {
    report.at("key").error("required", "must not be empty");
    return;
  }
  if (!values?.length && !notValues?.length) {
    report.error("required", "one of values, notValues is required");
    return;
  }
  const checkValue = attributeOf(key, report.at("key"));
  for (const [field, list] of [
    ["values", values],
    ["notValues", notValues],
  ] as const) {
    if (key === "source.serviceAccount" && (list?.length ?? 0) > 16)
      report.at(field).error("out-of-range", "must have at most 16 items");
    for (const [index, value] of (list ?? []).entries())
      if (value === "") report.at(field, index).error("required", "must not be empty");
      else checkValue(value, report.at(field, index));
  }
}

function attributeOf(key: string, report: Report): CheckValue {
  if (KEYED.test(key)) {
    if (!/^[^[]+\[.+\]$/s.test(key)) report.error("invalid-key", `must have the form ${key.split("[")[0]}[name]`);
    return anything;
  }
  const known = Object.hasOwn(ATTRIBUTES, key) ? ATTRIBUTES[key] : undefined;
  if (known) return known;
  if (key === "destination.namespace") report.error("unsupported", "put the policy into that namespace instead");
  else if (key.startsWith("destination.labels")) report.error("unsupported", "use the selector of the policy instead");
  else report.error("unknown-value", `${JSON.stringify(key)} is not a known attribute`);
  return anything;
}
