import type { ClientTls } from "@fairlead/config";
import type { ObjectRef, Service } from "@fairlead/model";
import type { Metadata } from "../../proto/types.ts";

/** What a cluster says about itself under `istio`, for telemetry, access logs and people. */
export interface ClusterDescription {
  /** Absent for hosts that are not services. */
  readonly services: readonly Pick<Service, "hostname" | "name" | "namespace">[] | undefined;
  /** The rule whose policy it has. */
  readonly rule: ObjectRef | undefined;
  readonly subset: string;
  readonly external: boolean;
  readonly tlsMode: ClientTls["mode"] | undefined;
}

export function clusterMetadata({ services, rule, subset, external, tlsMode }: ClusterDescription): Metadata {
  return {
    filterMetadata: {
      istio: {
        ...(tlsMode === "SIMPLE" || tlsMode === "MUTUAL" ? { alpn_override: "false" } : {}),
        ...(rule
          ? { config: `/apis/networking.istio.io/v1/namespaces/${rule.namespace}/destination-rule/${rule.name}` }
          : {}),
        ...(external ? { external: true } : {}),
        ...(services
          ? { services: services.map(({ hostname, name, namespace }) => ({ host: hostname, name, namespace })) }
          : {}),
        ...(subset ? { subset } : {}),
      },
    },
  };
}
