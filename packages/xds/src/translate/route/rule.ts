import type { HttpMatch, HttpRoute } from "@fairlead/config";
import type { Placed, ResolvedVirtualService } from "@fairlead/mesh";
import type { Diagnostic } from "@fairlead/model";
import type { Metadata } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import type { DestinationLookup } from "./destination.ts";

/** What routes of a VirtualService are made for. */
export interface RouteTarget {
  readonly virtualService: ResolvedVirtualService;
  /** Requests come in on this port: of the service for sidecars, of the Gateway's server for gateways; 0 for all. */
  readonly port: number;
  /** `mesh` or `namespace/name`. */
  readonly gateway: string;
  /** Whether the listener ends TLS. */
  readonly tls: boolean;
  /** Whether clients are told that the same port answers HTTP/3. Default: false. */
  readonly http3?: boolean;
}

/** One rule under one of its matches. */
export interface RuleContext {
  readonly build: Build;
  readonly target: RouteTarget;
  readonly placed: Placed<HttpRoute>;
  readonly match: HttpMatch | undefined;
  readonly lookup: DestinationLookup;
  /** Of all routes of the VirtualService. */
  readonly metadata: Metadata;
}

const ROUTE_SEMANTICS = "internal.istio.io/route-semantics";

/** Whether the VirtualService stands for a route of the Gateway API, which means some things differently. */
export function isGatewayApiRoute({ object }: ResolvedVirtualService): boolean {
  return object.metadata.annotations[ROUTE_SEMANTICS] === "gateway";
}

/** Whether the VirtualService stands for a Kubernetes Ingress. */
export function isIngressRoute({ object }: ResolvedVirtualService): boolean {
  return object.metadata.annotations[ROUTE_SEMANTICS] === "ingress";
}

/** A problem with a field of the rule; `path` is below the rule. */
export function reportOf(
  { build, placed }: RuleContext,
  code: string,
  severity: Diagnostic["severity"],
  path: string,
  message: string,
): void {
  build.report({
    code,
    severity,
    object: placed.source,
    path: path === "" ? placed.path : `${placed.path}.${path}`,
    message,
  });
}
