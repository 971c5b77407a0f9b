import type { PolicyTargetReference, SidecarWorkloadSelector, WorkloadSelector } from "../kinds/shared/selector.ts";
import type { Report } from "./report.ts";

interface Attached {
  readonly selector?: WorkloadSelector;
  readonly targetRef?: PolicyTargetReference;
  readonly targetRefs?: readonly PolicyTargetReference[];
}

const TARGETS = [
  "core/Service",
  "networking.istio.io/ServiceEntry",
  "gateway.networking.k8s.io/Gateway",
  "gateway.networking.k8s.io/GatewayClass",
];

/** What a policy is attached to: by labels, or by naming services and gateways, not both. */
export function checkAttachment(spec: Attached, report: Report): void {
  const { selector, targetRef, targetRefs } = spec;
  const ways = [selector !== undefined, targetRef !== undefined, targetRefs !== undefined].filter(Boolean).length;
  if (ways > 1) report.error("conflicting-fields", "only one of selector, targetRef, targetRefs may be set");
  checkSelector(selector, report.at("selector"));
  if (targetRef) checkTargetRef(targetRef, report.at("targetRef"));
  for (const [index, ref] of (targetRefs ?? []).entries()) checkTargetRef(ref, report.at("targetRefs", index));
}

/** A selector by `matchLabels`. */
export function checkSelector(selector: WorkloadSelector | undefined, report: Report): void {
  if (selector === undefined) return;
  checkSelectorLabels(selector.matchLabels, report.at("matchLabels"));
  if (Object.keys(selector.matchLabels ?? {}).length === 0)
    report.warning("empty-selector", "a selector without labels selects all workloads");
}

/** The older selector by `labels`. Answers whether it is usable. */
export function checkWorkloadSelector(selector: SidecarWorkloadSelector | undefined, report: Report): void {
  if (selector === undefined) return;
  checkSelectorLabels(selector.labels, report.at("labels"));
  if (Object.keys(selector.labels ?? {}).length === 0)
    report.warning("empty-selector", "a workload selector without labels selects all workloads of the namespace");
}

function checkSelectorLabels(labels: Readonly<Record<string, string>> | undefined, report: Report): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (key === "") report.error("invalid-selector", "a label key must not be empty");
    if (key.includes("*") || value.includes("*"))
      report.at(key).error("invalid-selector", `no wildcard is allowed in a selector: ${key}=${value}`);
  }
}

function checkTargetRef(ref: PolicyTargetReference, report: Report): void {
  if (ref.namespace) report.at("namespace").error("unsupported", "a target in another namespace is not supported");
  const target = `${ref.group || "core"}/${ref.kind}`;
  if (!TARGETS.includes(target))
    report.error("invalid-target", `a target must be one of ${TARGETS.join(", ")}, found ${target}`);
}
