import { objectKey, structurallyEqual } from "@fairlead/model";

/** A Kubernetes object as JSON: nothing is renamed, dropped or defaulted on its way. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: KubernetesMetadata;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

export interface KubernetesMetadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  /** Opaque: compare for equality only. */
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly creationTimestamp?: string | null;
  readonly [field: string]: unknown;
}

/** `Kind/namespace/name`. */
export function keyOf(object: KubernetesObject): string {
  const { name, namespace = "" } = object.metadata;
  return objectKey({ kind: object.kind, namespace, name });
}

/** Equal but for the resource version and the record of who wrote which field. */
export function sameMeaning(a: KubernetesObject, b: KubernetesObject): boolean {
  if (a.metadata.resourceVersion !== undefined && a.metadata.resourceVersion === b.metadata.resourceVersion)
    return a.metadata.uid === b.metadata.uid;
  const strip = (object: KubernetesObject) => {
    const { resourceVersion: _version, managedFields: _fields, ...metadata } = object.metadata;
    return { ...object, metadata };
  };
  return structurallyEqual(strip(a), strip(b));
}
