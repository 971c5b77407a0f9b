// Fields of Kubernetes' networking.k8s.io/v1 Ingress and IngressClass, those that Istio reads and those it does not.
import type { Diagnostic, ObjectRef } from "@fairlead/model";
import { z } from "zod";
import { formatPath, type PathSegment } from "../common/path.ts";

const metadata = z.looseObject({
  name: z.string(),
  namespace: z.string().default("default"),
  annotations: z.record(z.string(), z.string()).default({}),
  creationTimestamp: z.string().nullish(),
});

const backend = z.strictObject({
  service: z
    .strictObject({
      name: z.string().min(1),
      port: z.strictObject({ name: z.string().optional(), number: z.int().min(1).max(65_535).optional() }).default({}),
    })
    .optional(),
  resource: z.looseObject({}).optional(),
});

const path = z.strictObject({
  path: z.string().default(""),
  pathType: z.enum(["Exact", "Prefix", "ImplementationSpecific"]).optional(),
  backend,
});

const rule = z.strictObject({
  host: z.string().default(""),
  http: z.strictObject({ paths: z.array(path) }).optional(),
});

const ingress = z.looseObject({
  metadata,
  spec: z
    .strictObject({
      ingressClassName: z.string().optional(),
      defaultBackend: backend.optional(),
      rules: z.array(rule).default([]),
      tls: z
        .array(z.strictObject({ hosts: z.array(z.string()).default([]), secretName: z.string().default("") }))
        .default([]),
    })
    .default({ rules: [], tls: [] }),
});

const ingressClass = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({ controller: z.string().default("") }).default({ controller: "" }),
});

export type Ingress = z.infer<typeof ingress>;
export type IngressBackend = z.infer<typeof backend>;
export type IngressPath = z.infer<typeof path>;
export type IngressRule = z.infer<typeof rule>;
export type IngressClass = z.infer<typeof ingressClass>;

/** A Kubernetes object as JSON. */
export type KubernetesObject = Readonly<Record<string, unknown>>;

export const INGRESS_API_VERSION = "networking.k8s.io/v1";

/** The Ingress, or what is wrong with it. An API server would not take one with errors. */
export function readIngress(value: KubernetesObject): Ingress | readonly Diagnostic[] {
  const named = z
    .looseObject({ metadata: metadata.catch({ name: "", namespace: "", annotations: {} }) })
    .safeParse(value);
  const { name = "", namespace = "" } = named.data?.metadata ?? {};
  const object: ObjectRef = { kind: "Ingress", namespace, name };
  const fault = (code: string, at: readonly PropertyKey[], message: string): Diagnostic => {
    return { code, severity: "error", message, path: formatPath(at as readonly PathSegment[]), object };
  };
  if (value.apiVersion !== INGRESS_API_VERSION)
    return [
      fault("unsupported-version", ["apiVersion"], `must be ${INGRESS_API_VERSION}, found ${String(value.apiVersion)}`),
    ];
  const read = ingress.safeParse(value);
  if (read.success) return read.data;
  return read.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => fault("unknown-field", [...issue.path, key], "unknown field"))
      : [fault("invalid-ingress", issue.path, issue.message)],
  );
}

/** The IngressClass; undefined when it is none. */
export function readIngressClass(value: KubernetesObject): IngressClass | undefined {
  return value.apiVersion === INGRESS_API_VERSION ? ingressClass.safeParse(value).data : undefined;
}
