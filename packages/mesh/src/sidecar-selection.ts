import type { ConfigObject } from "@fairlead/config";
import type { Reader } from "./derivation.ts";
import { rootNamespaceOf } from "./mesh-settings.ts";
import { namespaceAmong, nodeMatches } from "./visibility.ts";

/** The Sidecar that holds for the node: by selector, else for its namespace, else the root namespace's. */
export function sidecarOf(read: Reader): ConfigObject<"Sidecar"> | undefined {
  const namespaces = read.bucket("configNamespaces", "Sidecar") ?? [];
  if (namespaces.length === 0) return undefined;
  const of = (namespace: string) =>
    (read.bucket("config", `Sidecar/${namespace}`) ?? []) as readonly ConfigObject<"Sidecar">[];
  const root = rootNamespaceOf(read);
  const own = namespaceAmong(read, namespaces);
  const unselected = (object: ConfigObject<"Sidecar">) => !object.spec.workloadSelector;
  return (
    of(own).find(
      (object) => object.spec.workloadSelector && nodeMatches(read, object.spec.workloadSelector.labels ?? {}),
    ) ??
    of(own).find(unselected) ??
    of(root).find(unselected)
  );
}
