import { hostname } from "node:os";
import type { ConfigStore, ParsedDocument } from "@fairlead/config";
import { directoryStore } from "@fairlead/config/directory";
import { type KubernetesStore, kubernetesDocuments, kubernetesStore } from "@fairlead/config/kubernetes";
import type { ControlPlane } from "@fairlead/control-plane";
import { writeGatewayApiStatus, writeStatus } from "@fairlead/control-plane/kubernetes";
import { type KubernetesClient, type LeaderElection, leaderElection } from "@fairlead/kubernetes";
import type { Collection } from "@fairlead/model";
import type { Registry } from "@fairlead/registry";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { clusterClient, clusterFault } from "./cluster.ts";
import type { Call } from "./command.ts";

const UNREAD = /^(secrets|configmaps) may not be listed/;

/** Where the mesh that is served comes from. */
export interface ServedSource {
  readonly config: ConfigStore;
  /** Kubernetes objects that are no configuration of Istio's. */
  readonly documents: Collection<ParsedDocument>;
  /** Whether all Secrets and ConfigMaps that there are are among the documents. */
  readonly credentialsKnown?: () => boolean;
  /** Closed by the control plane that it is given to. */
  readonly registry: Registry;
  /** Absent for files. */
  readonly cluster?: { readonly client: KubernetesClient; readonly store: KubernetesStore };
}

/** The files of `-f`, watched, or with `live` the cluster of `--kubernetes`; what it opens is closed with `stack`. */
export async function openSource(
  call: Call,
  live: boolean,
  stack: AsyncDisposableStack,
  onDiagnostics: () => void,
): Promise<ServedSource> {
  if (!live) {
    const store = stack.adopt(directoryStore(call.files, { onDiagnostics }), (made) => made.close());
    return { config: store, documents: store.documents, registry: manifestsRegistry(store.documents) };
  }
  const client = stack.adopt(await clusterClient(call), (made) => made.close());
  // The sources below wait for ever; a cluster that is not there at all is said at once.
  await client.resources("v1").catch((error: unknown) => {
    throw clusterFault(error);
  });
  const store = stack.use(kubernetesStore({ client }));
  const found = stack.use(kubernetesDocuments({ client }));
  const registry = manifestsRegistry(found.documents);
  const { name, services, workloads, endpoints, namespaces, ready } = registry;
  return {
    config: store,
    documents: found.documents,
    credentialsKnown: () =>
      !found.diagnostics().some(({ code, message }) => code === "kubernetes-forbidden" && UNREAD.test(message)),
    registry: {
      name,
      services,
      workloads,
      endpoints,
      namespaces,
      ready,
      diagnostics: () => [...found.diagnostics(), ...registry.diagnostics()],
      close: () => registry.close(),
    },
    cluster: { client, store },
  };
}

/** Writes what becomes of each object into its status, while this replica holds the Lease `fairlead-status`. */
export function statusWriting(
  { client, store }: NonNullable<ServedSource["cluster"]>,
  plane: ControlPlane,
  namespace: string,
  say: (text: string) => void,
): LeaderElection {
  return leaderElection(client, {
    namespace,
    name: "fairlead-status",
    identity: `${hostname()}-${process.pid}`,
    onElected(signal) {
      const onError = (error: unknown) => say(`status: ${(error as Error).message}`);
      void writeStatus({ plane, store, signal, onError });
      void writeGatewayApiStatus({ plane, client, signal, onError });
    },
    onError: ({ message }) => say(`status: ${message}`),
  });
}
