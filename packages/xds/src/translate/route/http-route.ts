import type { ResolvedVirtualService } from "@fairlead/mesh";
import type { AnyMessage, Metadata, Route, RouteMatch } from "../../proto/types.ts";
import { typed } from "../listener/typed.ts";
import { parseClusterName } from "../names.ts";
import { sessionSettings } from "../stateful-session.ts";
import { forwarding } from "./action.ts";
import { corsPolicy } from "./cors.ts";
import { destinationService } from "./destination.ts";
import { httpFault } from "./fault.ts";
import { headerEdits, headerFields } from "./header-operations.ts";
import { MATCH_ALL, routeMatch } from "./match.ts";
import { directResponseAction, redirectAction } from "./redirect.ts";
import { isGatewayApiRoute, isIngressRoute, type RuleContext, reportOf } from "./rule.ts";

/**
 * The Envoy route of one rule under one of its matches; undefined (and reported) when Envoy has no such route.
 * Source: Istio API, `HTTPRoute`; Istio `route.TranslateRoute`.
 */
export function httpRoute(context: RuleContext): Route | undefined {
  const { build, target, placed } = context;
  const { virtualService } = target;
  const segments = isGatewayApiRoute(virtualService) || isIngressRoute(virtualService);
  const match = context.match ? placedMatch(context, routeMatch(context.match, segments)) : MATCH_ALL;
  const action = actionOf(context, match);
  if (!action) return undefined;
  const name = context.match?.name ? `${placed.rule.name ?? ""}.${context.match.name}` : placed.rule.name;
  const filters = filterSettings(context);
  const route: Route = {
    ...(name ? { name } : {}),
    match,
    metadata: context.metadata,
    ...(context.match?.statPrefix ? { statPrefix: context.match.statPrefix } : {}),
    ...action,
    decorator: { operation: operationOf(action, match, virtualService.name, target.port) },
    ...(filters ? { typedPerFilterConfig: filters } : {}),
  };
  return build.from(target.http3 ? withAltSvc(route, target.port) : route, placed.source, placed.path);
}

/** Tells clients for a day that HTTP/3 is served on the same port. Source: RFC 7838; Istio `buildHTTP3AltSvcHeader`. */
function withAltSvc(route: Route, port: number): Route {
  const header = { key: "alt-svc", value: `h3=":${port}"; ma=86400` };
  return { ...route, responseHeadersToAdd: [...(route.responseHeadersToAdd ?? []), { header }] };
}

/** A match says which of the rule's it is. Those of delegates are merged ones, which are written nowhere. */
function placedMatch({ build, target, placed, match }: RuleContext, made: RouteMatch): RouteMatch {
  const { namespace, name } = target.virtualService;
  const own = placed.source.name === name && placed.source.namespace === namespace;
  const index = own && match ? (placed.rule.match ?? []).indexOf(match) : -1;
  return index < 0 ? made : build.from(made, placed.source, `${placed.path}.match[${index}]`);
}

function actionOf(context: RuleContext, match: RouteMatch): Partial<Route> | undefined {
  const { rule } = context.placed;
  if (rule.redirect) {
    const redirect = redirectAction(rule.redirect, context.target.port, context.target.tls);
    if (redirect) return { ...headersOf(context), redirect };
    const code = rule.redirect.redirectCode;
    const message = `Envoy cannot redirect with status ${code}; this route is left out`;
    reportOf(context, "unsupported-field", "error", "redirect.redirectCode", message);
    return undefined;
  }
  return rule.directResponse
    ? { ...headersOf(context), directResponse: directResponseAction(rule.directResponse) }
    : forwarding(context, match);
}

function headersOf({ placed: { rule } }: RuleContext): Partial<Route> {
  return rule.headers ? headerFields(headerEdits(rule.headers)) : {};
}

function filterSettings(context: RuleContext): Record<string, AnyMessage> | undefined {
  const { fault: faultSetting, corsPolicy: cors } = context.placed.rule;
  const fault =
    faultSetting &&
    httpFault(faultSetting, (path, message) =>
      reportOf(context, "unsupported-field", "warning", `fault.${path}`, message),
    );
  const session = sessionOf(context);
  if (!fault && !cors && !session) return undefined;
  if (cors?.allowOrigins && cors.allowOrigin) {
    const message = "allowOrigins is set too, and is what counts";
    reportOf(context, "unsupported-field", "warning", "corsPolicy.allowOrigin", message);
  }
  return {
    ...(fault ? { "envoy.filters.http.fault": typed("envoy.extensions.filters.http.fault.v3.HTTPFault", fault) } : {}),
    ...(cors
      ? { "envoy.filters.http.cors": typed("envoy.extensions.filters.http.cors.v3.CorsPolicy", corsPolicy(cors)) }
      : {}),
    ...session,
  };
}

/** The sessions of the destination; where there are several, of the first that has any. */
function sessionOf(context: RuleContext): Readonly<Record<string, AnyMessage>> | undefined {
  const { build, placed, lookup } = context;
  const found = (placed.rule.route ?? [])
    .map(({ destination }) => {
      const service = destination?.host ? destinationService(build.read, destination.host, lookup) : undefined;
      return service && sessionSettings(service);
    })
    .filter((session) => session !== undefined);
  if (found.length > 1 && JSON.stringify(found[0]) !== JSON.stringify(found[1])) {
    const message = "several destinations keep sessions, each in its own way: the first one's holds for the route";
    reportOf(context, "sessions-differ", "warning", "route", message);
  }
  return found[0];
}

/** The configuration that the routes of a VirtualService are made from, as telemetry shows it. */
export function routeMetadata({ namespace, name }: ResolvedVirtualService): Metadata {
  const config = `/apis/networking.istio.io/v1/namespaces/${namespace}/virtual-service/${name}`;
  return { filterMetadata: { istio: { config } } };
}

/** What traces call the route: the only destination, else the VirtualService, and the path. */
function operationOf(action: Partial<Route>, match: RouteMatch, virtualService: string, port: number): string {
  const path = match.path ?? match.safeRegex?.regex ?? (match.prefix === undefined ? "/*" : `${match.prefix}*`);
  const cluster = parseClusterName(action.route?.cluster ?? "");
  return cluster ? `${cluster.host}:${cluster.port}${path}` : `${virtualService}:${port}${path}`;
}
