// What all kinds of routes have in common. Fields of sigs.k8s.io/gateway-api apis/v1, rules as in the CRDs.
import { choice, type Infer, list, message, text } from "../../schema/message.ts";
import type { Report } from "../../validation/report.ts";
import { defaultGatewayScope, gatewayDuration } from "./names.ts";
import { type BackendObjectReference, type ParentReference, parentReference } from "./references.ts";

/** Fields that every kind of route begins with. */
export const commonRoute = {
  parentRefs: list(parentReference, { max: 32 }),
  useDefaultGateways: defaultGatewayScope,
} as const;

export const sessionPersistence = message({
  sessionName: text({ max: 128 }),
  absoluteTimeout: gatewayDuration,
  type: choice("Cookie", "Header"),
  cookieConfig: message({ lifetimeType: choice("Permanent", "Session") }),
});
export type SessionPersistence = Infer<typeof sessionPersistence>;

export function validateSessionPersistence(session: SessionPersistence | undefined, report: Report): void {
  if (session?.cookieConfig === undefined) return;
  if ((session.type ?? "Cookie") !== "Cookie")
    report.at("cookieConfig").error("conflicting-fields", "can only be set with type Cookie");
  if (session.cookieConfig.lifetimeType === "Permanent" && session.absoluteTimeout === undefined)
    report.at("absoluteTimeout").error("required", "must be specified when the cookie's lifetimeType is Permanent");
}

/** Two references to one parent must both name different sections or ports. */
export function validateParentRefs(references: readonly ParentReference[] | undefined, report: Report): void {
  const seen = new Map<string, ParentReference[]>();
  (references ?? []).forEach((reference, index) => {
    const { group = "gateway.networking.k8s.io", kind = "Gateway", namespace = "", name } = reference;
    const key = [group, kind, namespace, name].join("/");
    const others = seen.get(key) ?? [];
    seen.set(key, [...others, reference]);
    const at = report.at("parentRefs", index);
    const has = (one: ParentReference) => [one.sectionName !== undefined, one.port !== undefined].join();
    if (others.some((other) => has(other) !== has(reference)))
      at.error("ambiguous-parent", "sectionName or port must be specified in every reference to the same parent");
    else if (others.some((other) => other.sectionName === reference.sectionName && other.port === reference.port))
      at.error("duplicate", "sectionName or port must be unique among references to the same parent");
  });
}

/** A port belongs to a reference to a Service. */
export function validateBackend(backend: BackendObjectReference, report: Report): void {
  if ((backend.group ?? "") === "" && (backend.kind ?? "Service") === "Service" && backend.port === undefined)
    report.at("port").error("required", "is required for a reference to a Service");
}

interface Rule {
  readonly name?: string;
  readonly matches?: readonly unknown[];
}

/** Names of rules are unique, and of matches there are at most 128 in all. */
export function validateRules(rules: readonly Rule[] | undefined, report: Report): void {
  const names = new Set<string>();
  let matches = 0;
  (rules ?? []).forEach((rule, index) => {
    if (rule.name !== undefined && names.has(rule.name))
      report.at("rules", index, "name").error("duplicate", "must be unique within the route");
    if (rule.name !== undefined) names.add(rule.name);
    matches += rule.matches?.length ?? 0;
  });
  if (matches > 128) report.at("rules").error("out-of-range", `may have 128 matches in all, has ${matches}`);
}
