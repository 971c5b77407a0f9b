import type { MeshConfig, MeshNetworks, ParsedDocument } from "@fairlead/config";
import { kindOf } from "@fairlead/config";
import { formatObject, type ObjectRef } from "@fairlead/model";
import { type Json, labels, record } from "./json.ts";

/** One object under analysis. Its fields are read as they are written: other rules may find them wrong. */
export interface Resource {
  readonly ref: ObjectRef;
  /** `namespace/name`, or the name where there is no namespace. */
  readonly fullName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Json;
  readonly document: ParsedDocument;
}

/** Everything that rules look at. */
export interface Input {
  readonly resources: readonly Resource[];
  readonly meshConfig: MeshConfig;
  readonly meshNetworks: MeshNetworks;
  /** The resources of a kind, in the order of the input. Kinds of Gateway API are `gateway.networking.k8s.io/Gateway`. */
  of(kind: string): readonly Resource[];
  find(kind: string, namespace: string, name: string): Resource | undefined;
}

const GATEWAY_API = "gateway.networking.k8s.io/";

export function inputOf(
  documents: readonly ParsedDocument[],
  meshConfig: MeshConfig,
  meshNetworks: MeshNetworks,
): Input {
  const resources: Resource[] = [];
  const byKind = new Map<string, Resource[]>();
  const byName = new Map<string, Resource>();
  for (const document of documents) {
    const kind = kindKey(document);
    if (kind === undefined) continue;
    const resource = resourceOf(document);
    const key = `${kind}|${document.namespace}|${document.name}`;
    // As in a cluster: of two with one name the later stands.
    const before = byName.get(key);
    const members = byKind.get(kind) ?? [];
    if (before) {
      members[members.indexOf(before)] = resource;
      resources[resources.indexOf(before)] = resource;
    } else {
      members.push(resource);
      resources.push(resource);
    }
    byName.set(key, resource);
    byKind.set(kind, members);
  }
  return {
    resources,
    meshConfig,
    meshNetworks,
    of: (kind) => byKind.get(kind) ?? [],
    find: (kind, namespace, name) => byName.get(`${kind}|${namespace}|${name}`),
  };
}

/** Istio's kinds and Kubernetes' go by their kind; those of other groups by group and kind, so that namesakes do not meet. */
function kindKey({ apiVersion, kind, object }: ParsedDocument): string | undefined {
  if (kindOf(apiVersion, kind) !== undefined || object !== undefined) return kind;
  if (apiVersion.startsWith(GATEWAY_API)) return GATEWAY_API + kind;
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  if (group === "" || group === "apps" || group.endsWith(".k8s.io")) return kind;
  return `${group}/${kind}`;
}

function resourceOf(document: ParsedDocument): Resource {
  const { kind, namespace, name, value } = document;
  const metadata = record(value.metadata);
  return {
    ref: { kind, namespace, name },
    fullName: namespace ? `${namespace}/${name}` : name,
    labels: labels(metadata.labels),
    annotations: labels(metadata.annotations),
    spec: record(value.spec),
    document,
  };
}

/** `Kind namespace/name`, as suppressions and messages write it. */
export function resourceName(resource: Resource): string {
  return formatObject(resource.ref);
}
