import {
  type KubernetesClient,
  KubernetesError,
  type KubernetesObject,
  type ListWatchOptions,
  listWatch,
  RESOURCES,
  type ResourceType,
  type WatchedObjects,
} from "@fairlead/kubernetes";
import { objectKey, type Unsubscribe } from "@fairlead/model";
import type { Authority } from "../authority/authority.ts";
import { bundlePem } from "../trust/bundle.ts";

export interface RootDistributionOptions {
  /**
   * Whoever made it closes it. It needs `list`, `watch` on namespaces, `list`, `watch`, `create`, `patch` on ConfigMaps and, for the
   * ClusterTrustBundle, those on it and `attest` for its signer.
   */
  readonly client: KubernetesClient;
  readonly authority: Pick<Authority, "trustBundle" | "subscribe">;
  /** Ends it: that of a term of `leaderElection`, where there are several replicas. */
  readonly signal: AbortSignal;
  /** Which namespaces get one. Default: all but Kubernetes' own (`kube-system`, `kube-public`, `kube-node-lease`). */
  readonly selects?: (namespace: KubernetesObject) => boolean;
  /**
   * The ClusterTrustBundle that is written too, where the server has them; its name begins with the
   * signer's, a colon for the slash. Default: Istio's. False: none.
   */
  readonly clusterTrustBundle?: { readonly name: string; readonly signerName: string } | false;
  /** Told of what could not be written; it is tried again until it can. */
  readonly onProblem?: (error: KubernetesError) => void;
}

/** Istio's names: pods mount this ConfigMap of their namespace. */
const CONFIG_MAP = "istio-ca-root-cert";
const KEY = "root-cert.pem";
const TRUST_BUNDLE = { name: "istio.io:istiod-ca:root-cert", signerName: "istio.io/istiod-ca" };
const SYSTEM: ReadonlySet<string> = new Set(["kube-system", "kube-public", "kube-node-lease"]);
const RETRY_MS = 2_000;
/** What has been written comes by the watch, be it ours; and a namespace that is gone, or is going, takes nothing more. */
const PASSING: ReadonlySet<string> = new Set(["conflict", "already-exists", "not-found"]);

/**
 * Keeps the authority's roots where workloads of a cluster find them: in the ConfigMap `istio-ca-root-cert` of every namespace and
 * in a ClusterTrustBundle. New namespaces get theirs, changed roots are written everywhere, and what somebody else
 * changed or removed is put right. Resolves when `signal` aborts. One replica at a time: run it in `onElected` of `leaderElection`.
 *
 * Source: Istio `pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go`; Kubernetes, "Cluster trust bundles".
 */
export async function distributeRoots(options: RootDistributionOptions): Promise<void> {
  const { client, authority, signal, onProblem, selects = ({ metadata }) => !SYSTEM.has(metadata.name) } = options;
  const bundle = options.clusterTrustBundle ?? TRUST_BUNDLE;
  const watched: WatchedObjects[] = [];
  const watch = (type: ResourceType, scope: ListWatchOptions = {}) => {
    const objects = listWatch(client, type, { ...scope, signal });
    watched.push(objects);
    return objects;
  };
  const namespaces = watch(RESOURCES.namespaces);
  const configMaps = watch(RESOURCES.configMaps, { fieldSelector: `metadata.name=${CONFIG_MAP}` });
  const served = bundle === false ? undefined : await servedTrustBundles(client, signal);
  const bundles = bundle && served && watch(served, { fieldSelector: `metadata.name=${bundle.name}` });

  let wake = Promise.withResolvers<void>();
  const changed = () => wake.resolve();
  const unsubscribe: Unsubscribe[] = [...watched, authority].map((source) => source.subscribe(changed));
  signal.addEventListener("abort", changed, { once: true });
  try {
    await Promise.all(watched.map(({ ready }) => ready));
    while (!signal.aborted) {
      wake = Promise.withResolvers<void>();
      const roots = bundlePem(authority.trustBundle);
      const writes = [...namespaces.values()]
        .filter((namespace) => namespace.metadata.deletionTimestamp === undefined && selects(namespace))
        .map(
          ({ metadata: { name } }) =>
            () =>
              writeConfigMap(client, configMaps, name, roots, signal),
        );
      if (bundle && served && bundles)
        writes.push(() => writeTrustBundle(client, served, [...bundles.values()][0], { ...bundle, roots }, signal));
      let failed = false;
      for (const write of writes) {
        if (signal.aborted) return;
        await write().catch((error: unknown) => {
          if (!(error instanceof KubernetesError)) throw error;
          if (signal.aborted || PASSING.has(error.code)) return;
          failed = true;
          onProblem?.(error);
        });
      }
      await Promise.race([wake.promise, ...(failed ? [pause(signal)] : [])]);
    }
  } catch (error) {
    if (!signal.aborted && !client.closed.aborted) throw error;
  } finally {
    for (const end of unsubscribe) end();
    for (const objects of watched) objects.close();
  }
}

/** ClusterTrustBundles as the server has them, from Kubernetes 1.37 on by default; undefined where it has none. */
async function servedTrustBundles(client: KubernetesClient, signal: AbortSignal): Promise<ResourceType | undefined> {
  const type = RESOURCES.clusterTrustBundles;
  for (const apiVersion of [type.apiVersion, "certificates.k8s.io/v1beta1"])
    for (;;) {
      if (signal.aborted) return undefined;
      const names = await client.resources(apiVersion, { signal }).catch(() => pause(signal));
      if (names?.includes(type.plural)) return { ...type, apiVersion };
      if (names) break;
    }
  return undefined;
}

async function writeConfigMap(
  client: KubernetesClient,
  configMaps: WatchedObjects,
  namespace: string,
  roots: string,
  signal: AbortSignal,
): Promise<void> {
  const held = configMaps.get(objectKey({ kind: "ConfigMap", namespace, name: CONFIG_MAP }));
  if ((held as { data?: Record<string, string> } | undefined)?.data?.[KEY] === roots) return;
  const data = { [KEY]: roots };
  if (held) await client.mergePatch(RESOURCES.configMaps, CONFIG_MAP, { data }, { namespace, signal });
  else
    await client.create(
      RESOURCES.configMaps,
      { metadata: { name: CONFIG_MAP, namespace, labels: { "istio.io/config": "true" } }, data },
      { signal },
    );
}

async function writeTrustBundle(
  client: KubernetesClient,
  type: ResourceType,
  held: KubernetesObject | undefined,
  { name, signerName, roots }: { readonly name: string; readonly signerName: string; readonly roots: string },
  signal: AbortSignal,
): Promise<void> {
  const spec = { signerName, trustBundle: roots };
  if ((held?.spec as typeof spec | undefined)?.trustBundle === roots) return;
  if (held) await client.mergePatch(type, name, { spec: { trustBundle: roots } }, { signal });
  else await client.create(type, { metadata: { name }, spec }, { signal });
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, RETRY_MS);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
