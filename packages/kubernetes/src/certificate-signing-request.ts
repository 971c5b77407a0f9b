import type { KubernetesClient, RequestScope } from "./client.ts";
import { KubernetesError } from "./kubernetes-error.ts";
import { listWatch } from "./list-watch.ts";
import type { KubernetesObject } from "./object.ts";
import { RESOURCES } from "./resource-type.ts";

export interface SigningRequest {
  readonly name: string;
  /** PEM. */
  readonly csr: string;
  /** `kubernetes.io/kube-apiserver-client`, `example.com/mesh`, … */
  readonly signerName: string;
  /** `client auth`, `server auth`, `digital signature`, … */
  readonly usages: readonly string[];
  /** At least 600. Default: the signer's. */
  readonly expirationSeconds?: number;
}

interface CsrStatus {
  /** Base64 of PEM. */
  readonly certificate?: string;
  readonly conditions?: readonly { readonly type: string; readonly reason?: string; readonly message?: string }[];
}

/** Files a request (certificates.k8s.io/v1). It waits until someone approves it. */
export function createSigningRequest(
  client: KubernetesClient,
  { name, csr, ...spec }: SigningRequest,
  scope: Pick<RequestScope, "signal"> = {},
): Promise<KubernetesObject> {
  const request = Buffer.from(csr, "utf8").toString("base64");
  return client.create(RESOURCES.certificateSigningRequests, { metadata: { name }, spec: { ...spec, request } }, scope);
}

/** Approves a request; the caller needs the right to `approve` for its signer. One that is approved already stays so. */
export async function approveSigningRequest(
  client: KubernetesClient,
  name: string,
  { reason, message }: { readonly reason: string; readonly message: string },
  scope: Pick<RequestScope, "signal"> = {},
): Promise<KubernetesObject> {
  const request = await client.get(RESOURCES.certificateSigningRequests, name, scope);
  const status = statusOf(request);
  if (conditionOf(status, "Approved")) return request;
  const conditions = [...(status.conditions ?? []), { type: "Approved", status: "True", reason, message }];
  return client.replace(
    RESOURCES.certificateSigningRequests,
    { ...request, status: { ...status, conditions } },
    { ...scope, subresource: "approval" },
  );
}

/**
 * Waits for the certificate of a request: PEM, leaf first. Rejects with `denied` when it is denied or fails, and with
 * `aborted` when `signal` aborts first.
 */
export async function signedCertificate(client: KubernetesClient, name: string, signal: AbortSignal): Promise<string> {
  const requests = listWatch(client, RESOURCES.certificateSigningRequests, {
    fieldSelector: `metadata.name=${name}`,
    signal,
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const look = () => {
    for (const request of requests.values()) {
      const status = statusOf(request);
      const refusal = conditionOf(status, "Denied") ?? conditionOf(status, "Failed");
      if (refusal)
        reject(new KubernetesError("denied", `request ${name}: ${refusal.message || refusal.reason || refusal.type}`));
      else if (status.certificate) resolve(Buffer.from(status.certificate, "base64").toString("utf8"));
    }
  };
  const onAbort = () =>
    reject(new KubernetesError("aborted", `no certificate for ${name} yet`, { cause: signal.reason }));
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  requests.subscribe(look);
  requests.ready.then(look, reject);
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    requests.close();
  }
}

function statusOf(request: KubernetesObject): CsrStatus {
  return (request.status ?? {}) as CsrStatus;
}

function conditionOf(status: CsrStatus, type: string) {
  return status.conditions?.find((condition) => condition.type === type);
}
