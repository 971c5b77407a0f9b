import { kindOf, type ParsedDocument } from "@fairlead/config";
import { formatObject, type ObjectRef } from "@fairlead/model";
import { type Json, labels, record } from "./json.ts";

/** One object under analysis. Its fields are read as they are written: other rules may find them wrong. */
export interface Resource {
  /** Kind, namespace and name in one: the same for every version of an object. */
  readonly id: string;
  /** The kind; those of the Gateway API as `gateway.networking.k8s.io/Gateway`, so that namesakes do not meet. */
  readonly kind: string;
  readonly ref: ObjectRef;
  /** `namespace/name`, or the name where there is no namespace. */
  readonly fullName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Json;
  readonly document: ParsedDocument;
}

const GATEWAY_API = "gateway.networking.k8s.io/";

export function resourceOf(document: ParsedDocument): Resource {
  const { kind, namespace, name, value } = document;
  const metadata = record(value.metadata);
  const key = kindKey(document);
  return {
    id: resourceId(key, namespace, name),
    kind: key,
    ref: { kind, namespace, name },
    fullName: namespace ? `${namespace}/${name}` : name,
    labels: labels(metadata.labels),
    annotations: labels(metadata.annotations),
    spec: record(value.spec),
    document,
  };
}

export function resourceId(kind: string, namespace: string, name: string): string {
  return `${kind}|${namespace}|${name}`;
}

/** `Kind namespace/name`, as suppressions and messages write it. */
export function resourceName(resource: Resource): string {
  return formatObject(resource.ref);
}

/** Istio's kinds and Kubernetes' go by their kind; those of other groups by group and kind, so that namesakes do not meet. */
function kindKey({ apiVersion, kind, object }: ParsedDocument): string {
  if (kindOf(apiVersion, kind) !== undefined || object !== undefined) return kind;
  if (apiVersion.startsWith(GATEWAY_API)) return GATEWAY_API + kind;
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  if (group === "" || group === "apps" || group.endsWith(".k8s.io")) return kind;
  return `${group}/${kind}`;
}
