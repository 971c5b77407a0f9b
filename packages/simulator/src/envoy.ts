import type { envoy } from "@fairlead/xds/proto";

// The Envoy messages that are read here, in the protobuf JSON shape. Types only: nothing of the codec is loaded.
export type AnyMessage = envoy.AnyMessage;
export type CidrRange = envoy.CidrRange;
export type Cluster = envoy.Cluster;
export type ClusterLoadAssignment = envoy.ClusterLoadAssignment;
export type CorsPolicy = envoy.CorsPolicy;
export type DownstreamTlsContext = envoy.DownstreamTlsContext;
export type FilterChain = envoy.FilterChain;
export type FractionalPercent = envoy.FractionalPercent;
export type HTTPFault = envoy.HTTPFault;
export type HeaderMatcher = envoy.HeaderMatcher;
export type HeaderValueOption = envoy.HeaderValueOption;
export type HttpConnectionManager = envoy.HttpConnectionManager;
export type HttpRbac = envoy.HttpRbac;
export type JwtAuthentication = envoy.JwtAuthentication;
export type JwtRequirement = envoy.JwtRequirement;
export type LbEndpoint = envoy.LbEndpoint;
export type Listener = envoy.Listener;
export type ListenerPredicate = envoy.ListenerFilterChainMatchPredicate;
export type Locality = envoy.Locality;
export type LocalityLbEndpoints = envoy.LocalityLbEndpoints;
export type MetadataMatcher = envoy.MetadataMatcher;
export type NetworkRbac = envoy.NetworkRbac;
export type Permission = envoy.Permission;
export type Principal = envoy.Principal;
export type QueryParameterMatcher = envoy.QueryParameterMatcher;
export type RbacRules = envoy.RbacRules;
export type RedirectAction = envoy.RedirectAction;
export type RegexMatchAndSubstitute = envoy.RegexMatchAndSubstitute;
export type Route = envoy.Route;
export type RouteAction = envoy.RouteAction;
export type RouteConfiguration = envoy.RouteConfiguration;
export type RouteMatch = envoy.RouteMatch;
export type StringMatcher = envoy.StringMatcher;
export type TcpProxy = envoy.TcpProxy;
export type UpstreamTlsContext = envoy.UpstreamTlsContext;
export type ValueMatcher = envoy.ValueMatcher;
export type VirtualHost = envoy.VirtualHost;
export type ClusterWeight = envoy.WeightedCluster_ClusterWeight;

/** The message inside an Any, when it is of the type with this full name. */
export function unpack<T extends object>(any: AnyMessage | undefined, name: string): T | undefined {
  return any?.["@type"]?.endsWith(`/${name}`) ? (any as unknown as T) : undefined;
}

/** 64-bit integers are numbers or decimal strings. */
export function integer(value: number | string | undefined, absent = 0): number {
  return value === undefined ? absent : Number(value);
}
