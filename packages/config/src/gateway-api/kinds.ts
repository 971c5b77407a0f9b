import type { ObjectMeta } from "../object.ts";
import type { Infer, Schema } from "../schema/message.ts";
import type { Report } from "../validation/report.ts";
import {
  backend,
  backendTlsPolicy,
  backendTrafficPolicy,
  validateBackendResource,
  validateBackendTlsPolicy,
  validateBackendTrafficPolicy,
} from "./kinds/backend-policy.ts";
import {
  tcpRouteResource,
  tlsRouteResource,
  udpRoute,
  validateConnectionRoute,
  validateTlsRoute,
} from "./kinds/connection-route.ts";
import { gatewayResource, validateGatewayResource } from "./kinds/gateway.ts";
import { gatewayClass } from "./kinds/gateway-class.ts";
import { grpcRoute, validateGrpcRoute } from "./kinds/grpc-route.ts";
import { httpRouteResource, validateHttpRoute } from "./kinds/http-route.ts";
import { listenerSet, validateListenerSet } from "./kinds/listener-set.ts";
import { referenceGrant } from "./kinds/reference-grant.ts";

/** What the project knows of one kind of the Gateway API. */
export interface GatewayApiKindDefinition<Spec = unknown> {
  readonly group: string;
  /** Served API versions, the stored one first. All have the same schema. */
  readonly versions: readonly [string, ...string[]];
  readonly plural: string;
  readonly clusterScoped?: true;
  readonly schema: Schema<Spec>;
  /** What the schema cannot say: the CRD's rules in CEL. */
  validate?(object: { readonly apiVersion: string; readonly spec: Spec }, report: Report): void;
}

function define<Spec>(definition: GatewayApiKindDefinition<Spec>): GatewayApiKindDefinition<Spec> {
  return definition;
}

export const GATEWAY_API_GROUP = "gateway.networking.k8s.io";
const EXPERIMENTAL = "gateway.networking.x-k8s.io";

/** The kinds of the Gateway API that Istio reads, and UDPRoute, which it does not. Their `Gateway` is not Istio's. */
export const GATEWAY_API_KINDS = {
  GatewayClass: define({
    group: GATEWAY_API_GROUP,
    versions: ["v1", "v1beta1"],
    plural: "gatewayclasses",
    clusterScoped: true,
    schema: gatewayClass,
  }),
  Gateway: define({
    group: GATEWAY_API_GROUP,
    versions: ["v1", "v1beta1"],
    plural: "gateways",
    schema: gatewayResource,
    validate: validateGatewayResource,
  }),
  ListenerSet: define({
    group: GATEWAY_API_GROUP,
    versions: ["v1"],
    plural: "listenersets",
    schema: listenerSet,
    validate: validateListenerSet,
  }),
  HTTPRoute: define({
    group: GATEWAY_API_GROUP,
    versions: ["v1", "v1beta1"],
    plural: "httproutes",
    schema: httpRouteResource,
    validate: validateHttpRoute,
  }),
  GRPCRoute: define({
    group: GATEWAY_API_GROUP,
    versions: ["v1"],
    plural: "grpcroutes",
    schema: grpcRoute,
    validate: validateGrpcRoute,
  }),
  TLSRoute: define({
    group: GATEWAY_API_GROUP,
    versions: ["v1", "v1alpha2", "v1alpha3"],
    plural: "tlsroutes",
    schema: tlsRouteResource,
    validate: validateTlsRoute,
  }),
  TCPRoute: define({
    group: GATEWAY_API_GROUP,
    versions: ["v1", "v1alpha2"],
    plural: "tcproutes",
    schema: tcpRouteResource,
    validate: validateConnectionRoute,
  }),
  UDPRoute: define({
    group: GATEWAY_API_GROUP,
    versions: ["v1", "v1alpha2"],
    plural: "udproutes",
    schema: udpRoute,
    validate: validateConnectionRoute,
  }),
  ReferenceGrant: define({
    group: GATEWAY_API_GROUP,
    versions: ["v1beta1", "v1"],
    plural: "referencegrants",
    schema: referenceGrant,
  }),
  BackendTLSPolicy: define({
    group: GATEWAY_API_GROUP,
    versions: ["v1", "v1alpha3"],
    plural: "backendtlspolicies",
    schema: backendTlsPolicy,
    validate: validateBackendTlsPolicy,
  }),
  XBackend: define({
    group: EXPERIMENTAL,
    versions: ["v1alpha1"],
    plural: "xbackends",
    schema: backend,
    validate: validateBackendResource,
  }),
  XBackendTrafficPolicy: define({
    group: EXPERIMENTAL,
    versions: ["v1alpha1"],
    plural: "xbackendtrafficpolicies",
    schema: backendTrafficPolicy,
    validate: validateBackendTrafficPolicy,
  }),
} as const;

export type GatewayApiKind = keyof typeof GATEWAY_API_KINDS;

/** The spec type of a kind of the Gateway API, by its name. */
export type GatewayApiSpec<Kind extends GatewayApiKind> = Infer<(typeof GATEWAY_API_KINDS)[Kind]["schema"]>;

/** One object of the Gateway API. */
export interface GatewayApiObject<Kind extends GatewayApiKind = GatewayApiKind> {
  readonly kind: Kind;
  readonly apiVersion: string;
  readonly metadata: ObjectMeta;
  readonly spec: GatewayApiSpec<Kind>;
  /** As the API server reported it. */
  readonly status?: unknown;
}

/** The kind of a Kubernetes `apiVersion` and `kind`; undefined when it is none of the Gateway API's that are known. */
export function gatewayApiKindOf(apiVersion: string, kind: string): GatewayApiKind | undefined {
  if (!Object.hasOwn(GATEWAY_API_KINDS, kind)) return undefined;
  const name = kind as GatewayApiKind;
  const { group, versions }: GatewayApiKindDefinition = GATEWAY_API_KINDS[name];
  return versions.some((version) => apiVersion === `${group}/${version}`) ? name : undefined;
}

/** Why a kind of the Gateway API is not read in this version, in a message; undefined for everything else. */
export function unservedGatewayApi(apiVersion: string, kind: string): string | undefined {
  if (!/^gateway\.networking\.(x-)?k8s\.io\//.test(apiVersion)) return undefined;
  const known = kind.replace(/^X(?=ListenerSet$)/, "");
  if (!Object.hasOwn(GATEWAY_API_KINDS, known) || gatewayApiKindOf(apiVersion, kind)) return undefined;
  const { group, versions }: GatewayApiKindDefinition = GATEWAY_API_KINDS[known as GatewayApiKind];
  const served = versions.map((version) => `${group}/${version}`).join(", ");
  return `${kind} of ${apiVersion} is not read; it is served as ${known === kind ? "" : `${known} of `}${served}`;
}

/** Whether the object is of this kind; narrows its spec. */
export function isGatewayApiKind<Kind extends GatewayApiKind>(
  object: GatewayApiObject,
  kind: Kind,
): object is GatewayApiObject<Kind> {
  return object.kind === kind;
}
