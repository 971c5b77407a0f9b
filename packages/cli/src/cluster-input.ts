import { setTimeout } from "node:timers/promises";
import { parseDocuments } from "@fairlead/config";
import { DOCUMENT_TYPES, ISTIO_TYPES, servedTypes, type WantedType } from "@fairlead/config/kubernetes";
import {
  type KubernetesClient,
  KubernetesError,
  type KubernetesObject,
  type ListScope,
  RESOURCES,
  type ResourceType,
} from "@fairlead/kubernetes";
import { stringify } from "yaml";
import { clusterClient, clusterFault } from "./cluster.ts";
import type { Call, Terminal } from "./command.ts";
import type { TextFile } from "./input.ts";
import type { GivenSettings } from "./mesh-input.ts";

/** A cluster's objects as texts, one a file named `cluster:Kind/namespace/name`, and its mesh settings. */
export interface ClusterInput {
  readonly files: readonly TextFile[];
  readonly settings: GivenSettings;
}

/** What analysis looks at besides what a mesh is made of. */
const MORE_TYPES: readonly WantedType[] = [
  RESOURCES.deployments,
  RESOURCES.mutatingWebhookConfigurations,
  RESOURCES.validatingWebhookConfigurations,
  RESOURCES.customResourceDefinitions,
].map(({ apiVersion, ...type }) => ({ ...type, apiVersions: [apiVersion] }));

/** Nothing is said of single endpoints and nodes, of which there are most. */
const LEFT_OUT: ReadonlySet<string> = new Set(["EndpointSlice", "Node"]);

/**
 * Lists what analysis looks at in the cluster of `--kubeconfig` and `--context`. What may not be listed is said on the terminal,
 * and left out. CliError `unreadable` where the cluster does not answer.
 */
export async function readCluster(call: Call, terminal: Terminal): Promise<ClusterInput> {
  const client = await clusterClient(call);
  const { signal } = terminal;
  try {
    const types = [...ISTIO_TYPES, ...DOCUMENT_TYPES, ...MORE_TYPES].filter(({ kind }) => !LEFT_OUT.has(kind));
    const { served, forbidden } = await servedTypes(client, types, { signal });
    if (forbidden.length > 0)
      terminal.err(`left out, for they may not be listed: ${forbidden.map(({ plural }) => plural).join(", ")}\n`);
    const files: TextFile[] = [];
    for (const type of served) {
      const { items } = await patiently(() => client.list(type, { signal, ...scopeOf(type) }), signal);
      for (const item of items) {
        // Lists leave out in their items what they say themselves.
        const object = shown({ ...item, apiVersion: type.apiVersion, kind: type.kind });
        files.push({ file: fileOf(object), text: stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }) });
      }
    }
    return { files, settings: await settingsOf(client, signal) };
  } catch (error) {
    throw clusterFault(error);
  } finally {
    client.close();
  }
}

/** How often a server that is not ready (a CustomResourceDefinition was just made, too many ask) is asked again. */
const ATTEMPTS = 10;

async function patiently<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      const busy = error instanceof KubernetesError && error.code === "too-many-requests";
      if (!busy || attempt === ATTEMPTS) throw error;
      await setTimeout((error.retryAfterSeconds ?? 1) * 1000, undefined, { signal });
    }
  }
}

/** Kubernetes' own namespaces, which have no part in a mesh. Source: Istio `pkg/kube/inject`. */
const NOT_OF_MESHES = ["kube-system", "kube-public", "kube-node-lease", "local-path-storage"];

/** As istioctl looks: not in Kubernetes' own namespaces, and of ConfigMaps only among Istio's. */
function scopeOf({ kind, namespaced }: ResourceType): ListScope {
  if (kind === "ConfigMap") return { namespace: "istio-system" };
  const field = kind === "Namespace" ? "metadata.name" : namespaced ? "metadata.namespace" : undefined;
  return field ? { fieldSelector: NOT_OF_MESHES.map((name) => `${field}!=${name}`).join(",") } : {};
}

function fileOf({ kind, apiVersion, metadata: { namespace, name } }: KubernetesObject): string {
  const group = /istio\.io\/|k8s\.io\/|^v\d/.test(apiVersion) ? "" : `.${apiVersion.split("/")[0]}`;
  const own = kind === "Gateway" && apiVersion.startsWith("gateway.networking.k8s.io/") ? ".gateway-api" : group;
  return `cluster:${kind}${own}/${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** Without what says who wrote which field, and the schemas of CustomResourceDefinitions, which are long and not looked at. */
function shown(object: KubernetesObject): KubernetesObject {
  const { managedFields: _, annotations, ...metadata } = object.metadata;
  const { "kubectl.kubernetes.io/last-applied-configuration": __, ...rest } = annotations ?? {};
  const short = { ...object, metadata: { ...metadata, ...(annotations && { annotations: rest }) } };
  if (object.kind !== "CustomResourceDefinition") return short as KubernetesObject;
  const spec = object.spec as { readonly versions?: readonly Readonly<Record<string, unknown>>[] };
  const versions = spec.versions?.map(({ schema: ___, ...version }) => version);
  return { ...short, spec: { ...spec, versions } } as KubernetesObject;
}

/** `mesh` and `meshNetworks` of the ConfigMap `istio`, as istiod reads them. */
async function settingsOf(client: KubernetesClient, signal: AbortSignal): Promise<GivenSettings> {
  const found = await client
    .get(RESOURCES.configMaps, "istio", { namespace: "istio-system", signal })
    .catch((error: { readonly code?: string }) => {
      if (error.code === "not-found" || error.code === "forbidden") return undefined;
      throw error;
    });
  const { mesh, meshNetworks } = (found?.data ?? {}) as { readonly mesh?: string; readonly meshNetworks?: string };
  const file = (field: string) => `cluster:ConfigMap/istio-system/istio#${field}`;
  return {
    ...(mesh === undefined ? {} : { meshConfig: { file: file("mesh"), text: mesh } }),
    ...(meshNetworks === undefined ? {} : { meshNetworks: { file: file("meshNetworks"), text: meshNetworks } }),
  };
}

/** The cluster's texts with those of files on top: an object that a file has is not looked at in the cluster. */
export function withFilesOnTop(cluster: readonly TextFile[], files: readonly TextFile[]): readonly TextFile[] {
  const named = new Set(
    files.flatMap(({ file, text }) =>
      parseDocuments(text, { file, duplicateKeys: "last" }).documents.map(
        ({ value, apiVersion, kind, namespace, name }) =>
          fileOf({ ...value, apiVersion, kind, metadata: { name, ...(namespace && { namespace }) } }),
      ),
    ),
  );
  return [...cluster.filter(({ file }) => !named.has(file)), ...files];
}
