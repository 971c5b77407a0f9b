import { isRecord } from "../common/record.ts";
import type { ObjectMeta } from "../object.ts";
import type { Report } from "./report.ts";

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function stringMap(value: unknown, report: Report): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) {
    report.error("wrong-type", "must be an object");
    return {};
  }
  const entries: [string, string][] = [];
  for (const [key, item] of Object.entries(value))
    if (typeof item === "string") entries.push([key, item]);
    else if (item !== null) report.at(key).error("wrong-type", `must be a string, found ${typeof item}; quote it`);
  return Object.fromEntries(entries);
}

function optionalText(value: unknown, report: Report): string | undefined {
  if (value === undefined || value === null || typeof value === "string") return value ?? undefined;
  report.error("wrong-type", `must be a string, found ${typeof value}; quote it`);
  return undefined;
}

/** Reads Kubernetes object metadata; other fields of it are of no interest here and are kept by nobody. */
export function readMetadata(value: unknown, defaultNamespace: string, report: Report): ObjectMeta {
  const raw = isRecord(value) ? value : {};
  if (!isRecord(value)) report.error(value === undefined ? "required" : "wrong-type", "metadata must be an object");
  const name = optionalText(raw.name, report.at("name")) ?? "";
  if (name === "" && raw.generateName === undefined) report.at("name").error("required", "is required");
  else if (name !== "" && (name.length > 253 || !SUBDOMAIN.test(name)))
    report.at("name").warning("invalid-name", `${JSON.stringify(name)} is not a lower-case DNS name (RFC 1123)`);
  const creationTimestamp = optionalText(raw.creationTimestamp, report.at("creationTimestamp"));
  const resourceVersion = optionalText(raw.resourceVersion, report.at("resourceVersion"));
  const uid = optionalText(raw.uid, report.at("uid"));
  return {
    name,
    namespace: optionalText(raw.namespace, report.at("namespace")) || defaultNamespace,
    labels: stringMap(raw.labels, report.at("labels")),
    annotations: stringMap(raw.annotations, report.at("annotations")),
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(typeof raw.generation === "number" && { generation: raw.generation }),
    ...(uid !== undefined && { uid }),
  };
}
