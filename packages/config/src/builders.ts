import { KINDS, type KindDefinition, type KindName, type SpecOf } from "./kinds.ts";
import type { ConfigObject, ObjectMeta } from "./object.ts";

/** What a builder is told about an object besides its spec: its name, or more. */
export type BuilderMeta = string | (Partial<Omit<ObjectMeta, "name">> & { readonly name: string });

type Builder<Kind extends KindName> = (metadata: BuilderMeta, spec: SpecOf<Kind>) => ConfigObject<Kind>;

/** An object of a kind in its stored API version. The namespace defaults to `default`. */
export function configObject<Kind extends KindName>(
  kind: Kind,
  metadata: BuilderMeta,
  spec: SpecOf<Kind>,
): ConfigObject<Kind> {
  const { group, versions }: KindDefinition = KINDS[kind];
  const given = typeof metadata === "string" ? { name: metadata } : metadata;
  return {
    kind,
    apiVersion: `${group}/${versions[0]}`,
    metadata: { namespace: "default", labels: {}, annotations: {}, ...given },
    spec,
  };
}

function builder<Kind extends KindName>(kind: Kind): Builder<Kind> {
  return (metadata, spec) => configObject(kind, metadata, spec);
}

export const virtualService: Builder<"VirtualService"> = builder("VirtualService");
export const destinationRule: Builder<"DestinationRule"> = builder("DestinationRule");
export const gateway: Builder<"Gateway"> = builder("Gateway");
export const serviceEntry: Builder<"ServiceEntry"> = builder("ServiceEntry");
export const workloadEntry: Builder<"WorkloadEntry"> = builder("WorkloadEntry");
export const workloadGroup: Builder<"WorkloadGroup"> = builder("WorkloadGroup");
export const sidecar: Builder<"Sidecar"> = builder("Sidecar");
export const envoyFilter: Builder<"EnvoyFilter"> = builder("EnvoyFilter");
export const proxyConfig: Builder<"ProxyConfig"> = builder("ProxyConfig");
export const authorizationPolicy: Builder<"AuthorizationPolicy"> = builder("AuthorizationPolicy");
export const peerAuthentication: Builder<"PeerAuthentication"> = builder("PeerAuthentication");
export const requestAuthentication: Builder<"RequestAuthentication"> = builder("RequestAuthentication");
export const telemetry: Builder<"Telemetry"> = builder("Telemetry");
export const wasmPlugin: Builder<"WasmPlugin"> = builder("WasmPlugin");
export const trafficExtension: Builder<"TrafficExtension"> = builder("TrafficExtension");
