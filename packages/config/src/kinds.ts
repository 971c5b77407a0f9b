import { authorizationPolicy } from "./kinds/authorization-policy/schema.ts";
import { validateAuthorizationPolicy } from "./kinds/authorization-policy/validate.ts";
import { destinationRule } from "./kinds/destination-rule/schema.ts";
import { validateDestinationRule } from "./kinds/destination-rule/validate.ts";
import { envoyFilter } from "./kinds/envoy-filter/schema.ts";
import { validateEnvoyFilter } from "./kinds/envoy-filter/validate.ts";
import { gateway } from "./kinds/gateway/schema.ts";
import { validateGateway } from "./kinds/gateway/validate.ts";
import { meshConfig } from "./kinds/mesh-config/schema.ts";
import { meshNetworks } from "./kinds/mesh-networks/schema.ts";
import { peerAuthentication } from "./kinds/peer-authentication/schema.ts";
import { validatePeerAuthentication } from "./kinds/peer-authentication/validate.ts";
import { proxyConfig } from "./kinds/proxy-config/schema.ts";
import { validateProxyConfig } from "./kinds/proxy-config/validate.ts";
import { requestAuthentication } from "./kinds/request-authentication/schema.ts";
import { validateRequestAuthentication } from "./kinds/request-authentication/validate.ts";
import { serviceEntry } from "./kinds/service-entry/schema.ts";
import { validateServiceEntry } from "./kinds/service-entry/validate.ts";
import { sidecar } from "./kinds/sidecar/schema.ts";
import { validateSidecar } from "./kinds/sidecar/validate.ts";
import { telemetry } from "./kinds/telemetry/schema.ts";
import { validateTelemetry } from "./kinds/telemetry/validate.ts";
import { trafficExtension } from "./kinds/traffic-extension/schema.ts";
import { validateTrafficExtension } from "./kinds/traffic-extension/validate.ts";
import { virtualService } from "./kinds/virtual-service/schema.ts";
import { validateVirtualService } from "./kinds/virtual-service/validate.ts";
import { wasmPlugin } from "./kinds/wasm-plugin/schema.ts";
import { validateWasmPlugin } from "./kinds/wasm-plugin/validate.ts";
import { workloadEntry } from "./kinds/workload-entry/schema.ts";
import { validateWorkloadEntry } from "./kinds/workload-entry/validate.ts";
import { workloadGroup } from "./kinds/workload-group/schema.ts";
import { validateWorkloadGroup } from "./kinds/workload-group/validate.ts";
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
    validate: validateVirtualService,
  }),
  DestinationRule: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "destinationrules",
    schema: destinationRule,
    validate: validateDestinationRule,
  }),
  Gateway: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "gateways",
    schema: gateway,
    validate: validateGateway,
  }),
  ServiceEntry: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "serviceentries",
    schema: serviceEntry,
    validate: validateServiceEntry,
  }),
  WorkloadEntry: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "workloadentries",
    schema: workloadEntry,
    validate: validateWorkloadEntry,
  }),
  WorkloadGroup: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "workloadgroups",
    schema: workloadGroup,
    validate: validateWorkloadGroup,
  }),
  Sidecar: define({
    group: "networking.istio.io",
    versions: ["v1", "v1beta1", "v1alpha3"],
    plural: "sidecars",
    schema: sidecar,
    validate: validateSidecar,
  }),
  EnvoyFilter: define({
    group: "networking.istio.io",
    versions: ["v1alpha3"],
    plural: "envoyfilters",
    schema: envoyFilter,
    validate: validateEnvoyFilter,
  }),
  ProxyConfig: define({
    group: "networking.istio.io",
    versions: ["v1beta1"],
    plural: "proxyconfigs",
    schema: proxyConfig,
    validate: validateProxyConfig,
  }),
  AuthorizationPolicy: define({
    group: "security.istio.io",
    versions: ["v1", "v1beta1"],
    plural: "authorizationpolicies",
    schema: authorizationPolicy,
    validate: validateAuthorizationPolicy,
  }),
  PeerAuthentication: define({
    group: "security.istio.io",
    versions: ["v1", "v1beta1"],
    plural: "peerauthentications",
    schema: peerAuthentication,
    validate: validatePeerAuthentication,
  }),
  RequestAuthentication: define({
    group: "security.istio.io",
    versions: ["v1", "v1beta1"],
    plural: "requestauthentications",
    schema: requestAuthentication,
    validate: validateRequestAuthentication,
  }),
  Telemetry: define({
    group: "telemetry.istio.io",
    versions: ["v1alpha1", "v1"],
    plural: "telemetries",
    schema: telemetry,
    validate: validateTelemetry,
  }),
  WasmPlugin: define({
    group: "extensions.istio.io",
    versions: ["v1alpha1"],
    plural: "wasmplugins",
    schema: wasmPlugin,
    validate: validateWasmPlugin,
  }),
  TrafficExtension: define({
    group: "extensions.istio.io",
    versions: ["v1alpha1"],
    plural: "trafficextensions",
    schema: trafficExtension,
    validate: validateTrafficExtension,
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
