/** A type of API resource: how its objects are addressed. */
export interface ResourceType {
  /** `v1`, `apps/v1`, `networking.istio.io/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** As in the URL: `services`. */
  readonly plural: string;
  readonly namespaced: boolean;
}

const namespaced = (apiVersion: string, kind: string, plural: string): ResourceType => ({
  apiVersion,
  kind,
  plural,
  namespaced: true,
});
const clusterWide = (apiVersion: string, kind: string, plural: string): ResourceType => ({
  apiVersion,
  kind,
  plural,
  namespaced: false,
});

/** The types that a mesh reads and writes; any other is an object of the same shape. */
export const RESOURCES = {
  services: namespaced("v1", "Service", "services"),
  pods: namespaced("v1", "Pod", "pods"),
  endpointSlices: namespaced("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
  namespaces: clusterWide("v1", "Namespace", "namespaces"),
  nodes: clusterWide("v1", "Node", "nodes"),
  secrets: namespaced("v1", "Secret", "secrets"),
  configMaps: namespaced("v1", "ConfigMap", "configmaps"),
  serviceAccounts: namespaced("v1", "ServiceAccount", "serviceaccounts"),
  ingresses: namespaced("networking.k8s.io/v1", "Ingress", "ingresses"),
  ingressClasses: clusterWide("networking.k8s.io/v1", "IngressClass", "ingressclasses"),
  deployments: namespaced("apps/v1", "Deployment", "deployments"),
  leases: namespaced("coordination.k8s.io/v1", "Lease", "leases"),
  customResourceDefinitions: clusterWide(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
  ),
  mutatingWebhookConfigurations: clusterWide(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
  ),
  validatingWebhookConfigurations: clusterWide(
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
  ),
  tokenReviews: clusterWide("authentication.k8s.io/v1", "TokenReview", "tokenreviews"),
  certificateSigningRequests: clusterWide(
    "certificates.k8s.io/v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
  ),
  clusterTrustBundles: clusterWide("certificates.k8s.io/v1", "ClusterTrustBundle", "clustertrustbundles"),
} as const satisfies Record<string, ResourceType>;

/** The path of a collection, an object in it, or a subresource of that. Names are escaped. */
export function resourcePath(type: ResourceType, namespace?: string, name?: string, subresource?: string): string {
  const group = type.apiVersion.includes("/") ? `/apis/${type.apiVersion}` : `/api/${type.apiVersion}`;
  const scope = type.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${group}${scope}/${type.plural}${object}${subresource === undefined ? "" : `/${subresource}`}`;
}
