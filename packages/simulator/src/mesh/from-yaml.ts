import {
  aggregateStore,
  defaultMeshConfig,
  gatewayApiStore,
  ingressStore,
  isKind,
  type MeshConfig,
  type MeshNetworks,
  textStore,
} from "@fairlead/config";
import { Mesh, settingsDiagnostics } from "@fairlead/mesh";
import { type Diagnostic, entriesOf, type ObjectRef, type Position, type Workload } from "@fairlead/model";
import { aggregateRegistry, serviceEntryRegistry } from "@fairlead/registry";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { gatewayDeployments } from "./gateway-deployment.ts";
import { type Locate, rememberPositions } from "./positions.ts";

/** A text that nobody wrote: what is deployed for Gateways. */
const DEPLOYED = "(deployed for Gateways)";

/** One YAML or JSON text, with the name that positions give it. */
export interface YamlText {
  readonly file: string;
  readonly text: string;
}

export interface MeshOptions {
  /** As given, nothing added. Default: Istio's defaults. */
  readonly meshConfig?: MeshConfig;
  readonly meshNetworks?: MeshNetworks;
  /** For documents that name none. Default: `default`. */
  readonly defaultNamespace?: string;
  /** `last`: of equal keys the last counts, as Istio reads YAML. Default: they are an error. */
  readonly duplicateKeys?: "error" | "last";
  /**
   * What injection and controllers add. `assumed` (default): Gateways of the Gateway API have a proxy (`NAME-CLASS`), and
   * a sidecar have all workloads but those that opt out by `sidecar.istio.io/inject: "false"`
   * or a namespace labelled `istio-injection: disabled`, so that files need not show what injection adds. `declared`: those that
   * carry the label which injection sets, as a control plane reads them.
   */
  readonly sidecars?: "assumed" | "declared";
}

/** A mesh that was read from texts, where its fields are written, and what is wrong with them. */
export interface LoadedMesh {
  readonly mesh: Mesh;
  readonly locate: Locate;
  /** Of parsing, validation and the registries, all of them. What is broken is left out of the mesh. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Joins Istio configuration and Kubernetes objects (Ingresses and the Gateway API's among them) of any number of texts into a mesh, as a control plane would. Pure: no
 * file is read.
 */
export function meshFromYaml(texts: readonly YamlText[], options: MeshOptions = {}): LoadedMesh {
  const {
    meshConfig = defaultMeshConfig(),
    meshNetworks,
    defaultNamespace = "default",
    duplicateKeys = "error",
  } = options;
  const store = textStore(Object.fromEntries(texts.map(({ file, text }) => [file, text])), {
    defaultNamespace,
    duplicateKeys,
  });
  const { trustDomain, rootNamespace } = meshConfig;
  const manifests = manifestsRegistry(store.documents, {
    ...(trustDomain && { trustDomain }),
    ...(rootNamespace && { systemNamespace: rootNamespace }),
  });
  const entries = serviceEntryRegistry(store, { namespaces: manifests.namespaces });
  const registry = aggregateRegistry([manifests, entries]);
  // Kubernetes Ingresses and the Gateway API are served as the Gateways and VirtualServices that they stand for.
  const ingress = ingressStore(store.documents, { meshConfig });
  const { services, namespaces } = registry;
  const gatewayApi = gatewayApiStore(store.documents, { services, namespaces, config: store });
  if (options.sidecars !== "declared") {
    const gateways = [...gatewayApi.values()].filter((object) => isKind(object, "Gateway"));
    const known = (namespace: string, hostname: string) => services.get(`${namespace}/${hostname}`) !== undefined;
    store.set({ [DEPLOYED]: gatewayDeployments(gateways, known) });
  }
  const config = aggregateStore([store, ingress, gatewayApi]);
  const injected = sidecarRule(
    options.sidecars ?? "assumed",
    (namespace) => registry.namespaces.get(namespace)?.labels ?? {},
  );
  const mesh = Mesh.of({
    meshConfig,
    ...(meshNetworks && { meshNetworks }),
    config: config.values(),
    services: registry.services.values(),
    workloads: [...registry.workloads.values()].map((workload) => withSidecar(workload, injected(workload))),
    endpoints: [...entriesOf(registry.endpoints)].map(([key, given]) => {
      const endpoints = given.endpoints.map((endpoint) => withSidecar(endpoint, injected(endpoint)));
      return [key, { ...given, endpoints }] as const;
    }),
    namespaces: registry.namespaces.values(),
  });
  // The store knows Kubernetes objects too; what an Ingress or a route stands for is placed there.
  const locate: Locate = (ref: ObjectRef, path: string): Position | undefined => {
    const position = store.locate(ref, path) ?? config.locate(ref, path);
    return position?.file === DEPLOYED ? undefined : position;
  };
  const diagnostics = [
    ...settingsDiagnostics(meshConfig, meshNetworks),
    ...config.diagnostics(),
    ...registry.diagnostics(),
  ];
  // Its collections have been read; nothing will change them any more.
  void registry.close();
  config.close();
  ingress.close();
  gatewayApi.close();
  rememberPositions(mesh, locate);
  return { mesh, locate, diagnostics };
}

type Runs = Pick<Workload, "labels" | "namespace" | "tlsMode" | "nodeName">;

function sidecarRule(
  sidecars: "assumed" | "declared",
  labelsOf: (namespace: string) => Readonly<Record<string, string>>,
) {
  return ({ labels, namespace, tlsMode }: Runs): boolean => {
    if (tlsMode === "istio" || sidecars === "declared") return tlsMode === "istio";
    return (
      labels["sidecar.istio.io/inject"] !== "false" &&
      labelsOf(namespace)["istio-injection"] !== "disabled" &&
      isOurs(labels)
    );
  };
}

/** Endpoints of external services run no Pod: they carry no label of an instance. */
function isOurs(labels: Readonly<Record<string, string>>): boolean {
  return Object.keys(labels).some((label) => !label.startsWith("topology."));
}

function withSidecar<T extends { readonly tlsMode: "istio" | "disabled" }>(instance: T, sidecar: boolean): T {
  const tlsMode = sidecar ? "istio" : "disabled";
  return instance.tlsMode === tlsMode ? instance : { ...instance, tlsMode };
}
