import { authorizationPolicy } from "./kinds/authorization-policy/schema.ts";
import { destinationRule } from "./kinds/destination-rule/schema.ts";
import { envoyFilter } from "./kinds/envoy-filter/schema.ts";
import { gateway } from "./kinds/gateway/schema.ts";
import { meshConfig } from "./kinds/mesh-config/schema.ts";
import { meshNetworks } from "./kinds/mesh-networks/schema.ts";
import { peerAuthentication } from "./kinds/peer-authentication/schema.ts";
import { proxyConfig } from "./kinds/proxy-config/schema.ts";
import { requestAuthentication } from "./kinds/request-authentication/schema.ts";
import { serviceEntry } from "./kinds/service-entry/schema.ts";
import { sidecar } from "./kinds/sidecar/schema.ts";
import { telemetry } from "./kinds/telemetry/schema.ts";
import { trafficExtension } from "./kinds/traffic-extension/schema.ts";
import { virtualService } from "./kinds/virtual-service/schema.ts";
import { wasmPlugin } from "./kinds/wasm-plugin/schema.ts";
import { workloadEntry } from "./kinds/workload-entry/schema.ts";
import { workloadGroup } from "./kinds/workload-group/schema.ts";
import type { ObjectMeta } from "./object.ts";
import type { Infer, Schema } from "./schema/message.ts";
import type { Report } from "./validation/report.ts";

/** What the project knows of one configuration kind. */
export interface KindDefinition<Spec = unknown> {
  readonly group: string;
  /** Served API versions, the stored one first. All have the same schema. */
  readonly versions: readonly [string, ...string[]];
  readonly plural: string;
  readonly schema: Schema<Spec>;
  /** What the schema cannot say. */
  validate?(object: ObjectOf<Spec>, report: Report): void;
}

/** An object whose spec is `Spec`. */
export interface ObjectOf<Spec> {
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
}

function define<Spec>(definition: KindDefinition<Spec>): KindDefinition<Spec> {
  return definition;
}

/** Every configuration kind, one row each. All are namespaced. */
export const KINDS = {
  VirtualService: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "virtualservices",
    schema: virtualService,
  }),
  DestinationRule: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "destinationrules",
    schema: destinationRule,
  }),
  Gateway: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "gateways",
    schema: gateway,
  }),
  ServiceEntry: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "serviceentries",
    schema: serviceEntry,
  }),
  WorkloadEntry: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "workloadentries",
    schema: workloadEntry,
  }),
  WorkloadGroup: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "workloadgroups",
    schema: workloadGroup,
  }),
  Sidecar: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "sidecars",
    schema: sidecar,
  }),
  EnvoyFilter: define({
    group: "networking.istio.io",
    versions: ["v1alpha3"],
    plural: "envoyfilters",
    schema: envoyFilter,
  }),
  ProxyConfig: define({
    group: "networking.istio.io",
    versions: ["v1beta1"],
    plural: "proxyconfigs",
    schema: proxyConfig,
  }),
  AuthorizationPolicy: define({
    group: "security.istio.io",
    versions: ["v1", "v1beta1"],
    plural: "authorizationpolicies",
    schema: authorizationPolicy,
  }),
  PeerAuthentication: define({
    group: "security.istio.io",
    versions: ["v1", "v1beta1"],
    plural: "peerauthentications",
    schema: peerAuthentication,
  }),
  RequestAuthentication: define({
    group: "security.istio.io",
    versions: ["v1", "v1beta1"],
    plural: "requestauthentications",
    schema: requestAuthentication,
  }),
  Telemetry: define({
    group: "telemetry.istio.io",
    versions: ["v1alpha1", "v1"],
    plural: "telemetries",
    schema: telemetry,
  }),
  WasmPlugin: define({
    group: "extensions.istio.io",
    versions: ["v1alpha1"],
    plural: "wasmplugins",
    schema: wasmPlugin,
  }),
  TrafficExtension: define({
    group: "extensions.istio.io",
    versions: ["v1alpha1"],
    plural: "trafficextensions",
    schema: trafficExtension,
  }),
} as const;

/** The schemas of the two mesh-wide documents, which carry no `kind`. */
export const MESH_SCHEMAS = { MeshConfig: meshConfig, MeshNetworks: meshNetworks } as const;

export type KindName = keyof typeof KINDS;
export type MeshDocumentName = keyof typeof MESH_SCHEMAS;

/** The spec type of a kind, by its name. */
export type SpecOf<Kind extends KindName> = Infer<(typeof KINDS)[Kind]["schema"]>;

/** The kind of a Kubernetes `apiVersion` and `kind`; undefined when it is not one of ours or the version is not served. */
export function kindOf(apiVersion: string, kind: string): KindName | undefined {
  if (!Object.hasOwn(KINDS, kind)) return undefined;
  const name = kind as KindName;
  const { group, versions }: KindDefinition = KINDS[name];
  return versions.some((version) => apiVersion === `${group}/${version}`) ? name : undefined;
}
