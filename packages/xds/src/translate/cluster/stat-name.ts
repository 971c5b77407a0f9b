import type { Service } from "@fairlead/model";

export interface StatNameInput {
  readonly service: Pick<Service, "hostname" | "name" | "namespace" | "registry">;
  readonly subset: string;
  readonly port: { readonly number: number; readonly name: string };
  readonly targetPort: number;
}

/**
 * The name under which a cluster's statistics are published: a pattern with placeholders as in MeshConfig's
 * `outboundClusterStatName`. The delimiter at its end is how Istio's dashboards tell where it ends.
 */
export function statName(pattern: string, input: StatNameInput): string {
  return delimited(filledPattern(pattern, input));
}

/** A pattern with its placeholders filled in; not ended by the delimiter. */
export function filledPattern(pattern: string, { service, subset, port, targetPort }: StatNameInput): string {
  const kubernetes = service.registry === "Kubernetes";
  const values: Readonly<Record<string, string>> = {
    "%SERVICE%": kubernetes ? `${service.name}.${service.namespace}` : service.hostname,
    "%SERVICE_NAME%": kubernetes ? service.name : service.hostname,
    "%SERVICE_FQDN%": service.hostname,
    "%SUBSET_NAME%": subset,
    "%TARGET_PORT%": String(targetPort),
    "%SERVICE_PORT%": String(port.number),
    "%SERVICE_PORT_NAME%": port.name,
  };
  return pattern.replace(/%[A-Z_]+%/g, (placeholder) => values[placeholder] ?? placeholder);
}

export function delimited(name: string): string {
  return `${name};`;
}
