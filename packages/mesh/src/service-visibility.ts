import type { MeshConfig } from "@fairlead/config";
import type { Service } from "@fairlead/model";
import type { Reader } from "./derivation.ts";
import { labelSelectorPicks, namespaceLabels } from "./label-selector.ts";
import { meshConfigOf } from "./mesh-settings.ts";
import { isVisibleTo, type Visibility, visibilityOf } from "./visibility.ts";

/**
 * Who sees a service: whom it is exported to, and of ServiceEntries no more than `MeshConfig.serviceEntryVisibility` lets,
 * where that holds for sidecars. Source: Istio `PushContext.serviceExportTo`.
 */
export function serviceVisibility(read: Reader, service: Service): Visibility {
  const { defaultServiceExportTo, serviceEntryVisibility } = meshConfigOf(read);
  const { namespace } = service;
  const exported = visibilityOf(service.exportTo, defaultServiceExportTo, namespace);
  if (service.registry !== "External" || !serviceEntryVisibility?.applyToSidecars) return exported;
  const ceiling = ceilingOf(read, serviceEntryVisibility, namespace);
  if (ceiling === "NONE") return "none";
  if (ceiling !== "NAMESPACE") return exported;
  return isVisibleTo(exported, namespace) ? new Set([namespace]) : "none";
}

/** The first policy of which all rules pick the namespace, else the default. */
function ceilingOf(
  read: Reader,
  { policies = [], defaultVisibility }: NonNullable<MeshConfig["serviceEntryVisibility"]>,
  namespace: string,
): "VISIBILITY_UNSPECIFIED" | "NONE" | "NAMESPACE" | "PUBLIC" | undefined {
  if (policies.length === 0) return defaultVisibility;
  const labels = namespaceLabels(namespace, read.bucket("namespace", namespace)?.labels);
  const policy = policies.find(({ matchingRules = [] }) =>
    matchingRules.every(
      ({ namespaceSelector }) => namespaceSelector !== undefined && labelSelectorPicks(namespaceSelector, labels),
    ),
  );
  return policy ? policy.visibility : defaultVisibility;
}
