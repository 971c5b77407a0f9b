import { type KubernetesObject, kubernetesObjectKey, kubernetesObjects } from "../src/manifests/object.ts";
import type { ManifestsRegistryOptions } from "../src/manifests/options.ts";
import { manifestsRegistry } from "../src/manifests/registry.ts";

/** Small makers of Kubernetes objects in namespace `shop`, each overridable. */

export type Parts = { metadata?: object; spec?: unknown; status?: unknown; [field: string]: unknown };

const VERSIONS: Record<string, string> = {
  EndpointSlice: "discovery.k8s.io/v1",
  Deployment: "apps/v1",
  ReplicaSet: "apps/v1",
};
export const object = (kind: string, name: string, { metadata, ...rest }: Parts = {}): KubernetesObject => ({
  apiVersion: VERSIONS[kind] ?? "v1",
  kind,
  metadata: { name, namespace: "shop", ...metadata },
  ...rest,
});
export const service = object("Service", "web", {
  spec: { clusterIP: "10.96.0.1", selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
});
export const pod = (
  name: string,
  ip: string,
  parts: { labels?: object; ready?: string; spec?: object; metadata?: object } = {},
) =>
  object("Pod", name, {
    metadata: { labels: { app: "web", "security.istio.io/tlsMode": "istio", ...parts.labels }, ...parts.metadata },
    spec: {
      serviceAccountName: "web",
      nodeName: "node1",
      containers: [{ name: "web", ports: [{ name: "http", containerPort: 8080 }] }],
      ...parts.spec,
    },
    status: { phase: "Running", podIP: ip, conditions: [{ type: "Ready", status: parts.ready ?? "True" }] },
  });
export const slice = (endpoints: readonly object[], more: object = {}) =>
  object("EndpointSlice", "web-1", {
    metadata: { labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080 }],
    endpoints,
    ...more,
  });
export const node = object("Node", "node1", {
  metadata: {
    namespace: undefined,
    labels: {
      "topology.kubernetes.io/region": "r1",
      "topology.kubernetes.io/zone": "z1",
      "topology.istio.io/subzone": "s1",
    },
  },
});
export const ENDPOINTS = "shop/web.shop.svc.cluster.local#web-1";
export const load = (objects: readonly KubernetesObject[], options: ManifestsRegistryOptions = {}) => {
  const collection = kubernetesObjects(objects);
  const put = (value: KubernetesObject) => collection.set(kubernetesObjectKey(value), value);
  return { registry: manifestsRegistry(collection, options), put, collection };
};
