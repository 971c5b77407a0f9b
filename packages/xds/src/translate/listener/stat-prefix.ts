import type { Service } from "@fairlead/model";

/**
 * A statistics name by the mesh's pattern: `%SERVICE%`, `%SERVICE_NAME%`, `%SERVICE_FQDN%`, `%SERVICE_PORT%`,
 * `%TARGET_PORT%`, `%SERVICE_PORT_NAME%`, `%SUBSET_NAME%`. Source: Istio API, `MeshConfig.outboundClusterStatName`.
 */
export function statPrefixOf(
  pattern: string,
  service: Pick<Service, "hostname" | "namespace" | "name" | "registry">,
  subset: string,
  port: { readonly number: number; readonly name: string },
  targetPort: number = 0,
): string {
  const kubernetes = service.registry === "Kubernetes";
  const values: Readonly<Record<string, string>> = {
    SERVICE: kubernetes ? `${service.name}.${service.namespace}` : service.hostname,
    SERVICE_NAME: kubernetes ? service.name : service.hostname,
    SERVICE_FQDN: service.hostname,
    SUBSET_NAME: subset,
    TARGET_PORT: String(targetPort),
    SERVICE_PORT: String(port.number),
    SERVICE_PORT_NAME: port.name,
  };
  return pattern.replace(/%([A-Z_]+)%/g, (whole, key: string) => values[key] ?? whole);
}
