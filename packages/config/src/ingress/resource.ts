// Fields of Kubernetes' networking.k8s.io/v1 Ingress and IngressClass, those that Istio reads and those it does not.
// In zod/mini, as the kinds are: the full zod tries out `new Function`, which the content policy of a page forbids.
import type { Diagnostic, ObjectRef } from "@fairlead/model";
import * as z from "zod/mini";
import { formatPath, type PathSegment } from "../common/path.ts";

const text = (otherwise: string) => z._default(z.string(), otherwise);

const metadata = z.looseObject({
  name: z.string(),
  namespace: text("default"),
  annotations: z._default(z.record(z.string(), z.string()), {}),
  creationTimestamp: z.nullish(z.string()),
});

const backend = z.strictObject({
  service: z.optional(
    z.strictObject({
      name: z.string().check(z.minLength(1)),
      port: z._default(
        z.strictObject({
          name: z.optional(z.string()),
          number: z.optional(z.int().check(z.minimum(1), z.maximum(65_535))),
        }),
        {},
      ),
    }),
  ),
  resource: z.optional(z.looseObject({})),
});

const path = z.strictObject({
  path: text(""),
  pathType: z.optional(z.enum(["Exact", "Prefix", "ImplementationSpecific"])),
  backend,
});

const rule = z.strictObject({
  host: text(""),
  http: z.optional(z.strictObject({ paths: z.array(path) })),
});

const ingress = z.looseObject({
  metadata,
  spec: z._default(
    z.strictObject({
      ingressClassName: z.optional(z.string()),
      defaultBackend: z.optional(backend),
      rules: z._default(z.array(rule), []),
      tls: z._default(
        z.array(z.strictObject({ hosts: z._default(z.array(z.string()), []), secretName: text("") })),
        [],
      ),
    }),
    { rules: [], tls: [] },
  ),
});

const ingressClass = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z._default(z.looseObject({ controller: text("") }), { controller: "" }),
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
  const unnamed = { name: "", namespace: "", annotations: {} };
  const named = z.looseObject({ metadata: z.catch(metadata, unnamed) }).safeParse(value);
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
      : [fault("invalid-ingress", issue.path, wordsFor(issue))],
  );
}

/** What the field must be, in the words of the other kinds; zod/mini has none of its own. */
function wordsFor(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return `must be of type ${issue.expected}`;
  if (issue.code === "invalid_value") return `must be one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "too_small")
    return issue.origin === "string" ? "must not be empty" : `must be at least ${issue.minimum}`;
  if (issue.code === "too_big") return `must be at most ${issue.maximum}`;
  return "has no value that is known";
}

/** The IngressClass; undefined when it is none. */
export function readIngressClass(value: KubernetesObject): IngressClass | undefined {
  return value.apiVersion === INGRESS_API_VERSION ? ingressClass.safeParse(value).data : undefined;
}
