import { type KubernetesClient, KubernetesError, kubernetesClient } from "@fairlead/kubernetes";
import { CliError } from "./cli-error.ts";
import type { Call } from "./command.ts";

/** `--kubernetes`, and which cluster: the kubeconfig's (or the Pod's own), in its current context unless one is named. */
export const CLUSTER_OPTIONS = {
  kubernetes: { type: "boolean" },
  kubeconfig: { type: "string" },
  context: { type: "string" },
} as const;

/** Whether a cluster is asked for. CliError `usage` for what only goes with it. */
export function asksForCluster(call: Call): boolean {
  if (call.values.kubernetes === true) return true;
  for (const option of ["kubeconfig", "context"])
    if (call.text(option) !== undefined) throw new CliError("usage", `--${option} goes with --kubernetes`);
  return false;
}

/**
 * A client of the cluster that `--kubeconfig` and `--context` name; without the former, that of KUBECONFIG, of the home folder or of
 * the Pod, as kubectl looks for it. Whoever asks for it closes it.
 */
export async function clusterClient(call: Call): Promise<KubernetesClient> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const kubeconfig = new KubeConfig();
  const [path, context] = [call.text("kubeconfig"), call.text("context")];
  try {
    if (path === undefined) kubeconfig.loadFromDefault();
    else kubeconfig.loadFromFile(path);
  } catch (error) {
    throw new CliError("unreadable", `${path ?? "the kubeconfig"} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (context !== undefined) {
    const names = kubeconfig.getContexts().map(({ name }) => name);
    if (!names.includes(context))
      throw new CliError("usage", `there is no context ${JSON.stringify(context)}, only ${names.join(", ")}`);
    kubeconfig.setCurrentContext(context);
  }
  if (kubeconfig.getCurrentCluster() === null)
    throw new CliError("unreadable", "the kubeconfig names no cluster: a current context is missing");
  return kubernetesClient({ kubeconfig });
}

/** What an API server answers that a user can mend. */
export function clusterFault(error: unknown): unknown {
  if (!(error instanceof KubernetesError)) return error;
  return new CliError("unreadable", `the cluster cannot be read: ${error.message}`, { cause: error });
}
