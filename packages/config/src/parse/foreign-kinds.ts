/** API groups whose objects are handed through without a remark: Kubernetes' own and the Gateway API's. */
const FOREIGN_GROUPS: readonly RegExp[] = [
  /^(apps|batch|autoscaling|policy|extensions)$/,
  /(^|\.)k8s\.io$/,
  /(^|\.)x-k8s\.io$/,
];

const CLUSTER_SCOPED: ReadonlySet<string> = new Set([
  "APIService",
  "CertificateSigningRequest",
  "ClusterRole",
  "ClusterRoleBinding",
  "ClusterTrustBundle",
  "CustomResourceDefinition",
  "GatewayClass",
  "IngressClass",
  "MutatingWebhookConfiguration",
  "Namespace",
  "Node",
  "PersistentVolume",
  "PriorityClass",
  "StorageClass",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "ValidatingWebhookConfiguration",
]);

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

/** Whether the kind is one of Kubernetes or the Gateway API: nothing of ours, but nothing to wonder at. */
export function isForeignKind(apiVersion: string): boolean {
  const group = groupOf(apiVersion);
  return group === "" ? /^v\d/.test(apiVersion) : FOREIGN_GROUPS.some((pattern) => pattern.test(group));
}

/** Whether objects of this kind are known to have no namespace. */
export function isClusterScoped(apiVersion: string, kind: string): boolean {
  return isForeignKind(apiVersion) && CLUSTER_SCOPED.has(kind);
}
