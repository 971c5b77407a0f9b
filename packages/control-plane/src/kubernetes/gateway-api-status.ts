import { GATEWAY_API_KINDS, type GatewayApiKindDefinition, type GatewayApiStatus } from "@fairlead/config";
import { structurallyEqual } from "@fairlead/model";
import type { ControlPlane } from "../control-plane.ts";
import { rounds } from "./rounds.ts";

/** What is asked of a client; that of `@fairlead/kubernetes` is one. Errors with the code `conflict` or `not-found` are expected. */
export interface StatusClient {
  mergePatch(
    type: { readonly apiVersion: string; readonly kind: string; readonly plural: string; readonly namespaced: boolean },
    name: string,
    patch: object,
    options: { readonly signal: AbortSignal; readonly subresource: "status"; readonly namespace?: string },
  ): Promise<unknown>;
}

export interface GatewayApiStatusOptions {
  /** Serves `documents` of the cluster (`kubernetesDocuments` of `@fairlead/config/kubernetes`). */
  readonly plane: ControlPlane;
  /** Whoever made it closes it. */
  readonly client: StatusClient;
  /** Ends the writing: that of a term of `leaderElection`, where there are several replicas. */
  readonly signal: AbortSignal;
  /** Milliseconds without a further change after which statuses are written. Default 1000. */
  readonly debounce?: number;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number;
  /** Told of statuses that could not be written; they are tried again with the next change. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Writes into the statuses of GatewayClasses, Gateways, ListenerSets, routes and policies of backends what became of them:
 * the conditions Accepted, Programmed, ResolvedRefs and Conflicted, attached routes, addresses, each as Istio has it. Only what
 * changed is written, over what was read; what other controllers wrote stays. Resolves when `signal` aborts. One replica at
 * a time. Source: Gateway API, statuses of its kinds.
 */
export async function writeGatewayApiStatus(options: GatewayApiStatusOptions): Promise<void> {
  const { plane, signal, debounce = 1_000 } = options;
  const { gatewayApi } = plane;
  if (!gatewayApi) return;
  const writeAll = async () => {
    for (const status of gatewayApi.statuses()) {
      if (signal.aborted) return;
      await write(options, status).catch((error: unknown) => {
        // Who changed the object meanwhile wakes the writer again; one that is gone needs no status.
        const { code } = error as { readonly code?: unknown };
        if (code !== "conflict" && code !== "not-found") options.onError?.(error);
      });
    }
  };
  await rounds(writeAll, {
    signal,
    debounce,
    // Endpoints, which say whether a Gateway is there, come with a mesh.
    listen: (changed) => [plane.onMesh(changed), gatewayApi.onConverted(changed)],
  });
}

async function write(
  { client, signal, now = Date.now }: GatewayApiStatusOptions,
  { object, status }: GatewayApiStatus,
) {
  const said = stamped(status, new Date(now()).toISOString().replace(/\.\d+Z$/, "Z"));
  if (structurallyEqual(said, object.status ?? {})) return;
  const { plural, clusterScoped }: GatewayApiKindDefinition = GATEWAY_API_KINDS[object.kind];
  const { name, namespace, resourceVersion } = object.metadata;
  const type = {
    apiVersion: object.apiVersion,
    kind: object.kind,
    plural,
    namespaced: !clusterScoped,
  };
  await client.mergePatch(
    type,
    name,
    { metadata: { ...(resourceVersion !== undefined && { resourceVersion }) }, status: said },
    { signal, subresource: "status", ...(!clusterScoped && { namespace }) },
  );
}

/** With the time at the conditions that have none: those that changed. */
function stamped(value: unknown, time: string): unknown {
  if (Array.isArray(value)) return value.map((item) => stamped(item, time));
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, stamped(item, time)]));
  const isCondition = "type" in copy && "status" in copy && "reason" in copy;
  return isCondition && !("lastTransitionTime" in copy) ? { ...copy, lastTransitionTime: time } : copy;
}
