import type { SectionTarget } from "../kinds/backend-policy.ts";
import { type GatewayApiWorld, type KnownPort, kubernetesService } from "./world.ts";

export interface Target {
  readonly hosts: readonly string[];
  readonly ports: readonly KnownPort[];
}

/** What a policy is about, of its own namespace; or why there is no such thing. */
export function targetOf(world: GatewayApiWorld, target: SectionTarget, namespace: string): Target | string {
  const { group, kind, name, sectionName } = target;
  const isService = group === "" && kind === "Service";
  const isEntry = group === "networking.istio.io" && kind === "ServiceEntry";
  if (!isService && !isEntry)
    return group === "" && (kind === "ConfigMap" || kind === "Secret")
      ? `unsupported reference kind: ${kind}`
      : `unsupported kind ${kind}`;
  const entry = isEntry ? world.serviceEntry(namespace, name) : undefined;
  const service = isService ? kubernetesService(world, namespace, name) : undefined;
  const found = entry ?? (service && { hosts: [service.hostname], ports: service.ports });
  if (!found) return `reference ${namespace}/${name} (of kind ${kind}) not found`;
  if (sectionName && !found.ports.some((port) => port.name === sectionName))
    return `sectionName "${sectionName}" does not exist in ${kind} ${namespace}/${name}`;
  return found;
}
