import type { HttpConnectionManager, RouteConfiguration, VirtualHost } from "../envoy.ts";
import type { Branch, Evaluation, Reply } from "../evaluation.ts";
import type { LocalReply } from "../filter/outcome.ts";
import { perRoute, type Scope } from "../filter/per-route.ts";
import { mutate, mutations } from "../route/header-mutation.ts";
import { redirectLocation } from "../route/rewrite.ts";
import { type Selection, selectRoutes, selectVirtualHost } from "../route/select.ts";
import type { HttpSubject } from "../subject.ts";
import type { Tracer } from "../trace.ts";
import { jwtFilters, runFilters } from "./filters.ts";
import { forwardBranch } from "./forward.ts";
import { normaliseRequest } from "./normalise.ts";
import { redirectReply } from "./redirect.ts";
import { upgradeRefusal } from "./upgrade.ts";

type Part = Pick<Evaluation, "routeConfiguration" | "branches">;

/**
 * A request at an HTTP connection manager: normalisation, virtual host, routes, filters in their order, action.
 * `routes` finds a route configuration by name.
 */
export function evaluateHttp(
  manager: HttpConnectionManager,
  request: HttpSubject,
  routes: (name: string) => RouteConfiguration | undefined,
  tracer?: Tracer,
): Part {
  const name = manager.rds?.routeConfigName;
  const configuration = manager.routeConfig ?? (name === undefined ? undefined : routes(name));
  const named = name === undefined ? {} : { routeConfiguration: name };
  const normalised = normaliseRequest(manager, request, tracer);
  if ("status" in normalised) return { ...named, branches: [{ kind: "reply", share: 1, reply: normalised }] };
  if (configuration === undefined) {
    const reason =
      name === undefined
        ? "the connection manager has no routes (scoped routes are not simulated)"
        : `route configuration ${name} is not there`;
    tracer?.add("route configuration", name ?? "", false, reason, manager);
    const reply: LocalReply = { status: 404, by: "no route configuration" };
    return {
      ...named,
      branches: afterFilters(manager, normalised, tracer, { reply, failure: "no-route-configuration" }),
    };
  }
  if (name !== undefined)
    tracer?.add("route configuration", name, true, "named by the connection manager", configuration);
  const host = selectVirtualHost(configuration, normalised, tracer);
  if (host === undefined) {
    const reply: LocalReply = { status: 404, by: "no virtual host" };
    return { ...named, branches: afterFilters(manager, normalised, tracer, { reply, failure: "no-virtual-host" }) };
  }
  return { ...named, branches: hostBranches(manager, configuration, host, normalised, tracer) };
}

/** An answer of the router where there is no route: the filters before it see the request all the same. */
function afterFilters(
  manager: HttpConnectionManager,
  request: HttpSubject,
  tracer: Tracer | undefined,
  last: Omit<Reply, "kind" | "share">,
): readonly Branch[] {
  const { virtualHost } = last;
  const place = virtualHost === undefined ? {} : { virtualHost };
  const { replies, rest } = runFilters(manager, {}, request, "", tracer);
  const own = replies.map(({ reply, share }): Branch => ({ kind: "reply", share, ...place, reply }));
  return rest > 0 ? [...own, { kind: "reply", share: rest, ...last }] : own;
}

function told(reply: LocalReply, manager: HttpConnectionManager, tracer: Tracer | undefined): LocalReply {
  tracer?.add("upgrade", String(reply.status), false, reply.by, manager);
  return reply;
}

function hostBranches(
  manager: HttpConnectionManager,
  configuration: RouteConfiguration,
  host: VirtualHost,
  request: HttpSubject,
  tracer: Tracer | undefined,
): readonly Branch[] {
  const virtualHost = host.name ?? "";
  const tlsOnly = host.requireTls === "ALL" || host.requireTls === "EXTERNAL_ONLY";
  if (tlsOnly && (request.headers.get("x-forwarded-proto") ?? request.headers.get(":scheme")) !== "https") {
    const location = `https://${request.headers.get(":authority") ?? ""}${request.path}`;
    tracer?.add("virtual host", virtualHost, false, "takes TLS only: the client is sent to https", host);
    const refused = upgradeRefusal(manager, undefined, request);
    if (refused) return [{ kind: "reply", share: 1, virtualHost, reply: told(refused, manager, tracer) }];
    const reply: LocalReply = { status: 301, headers: { location }, by: "tls required" };
    return afterFilters(manager, request, tracer, { virtualHost, reply });
  }
  const early = jwtFilters(manager).some(({ clears }) => clears)
    ? claimsFirst(manager, configuration, host, request)
    : request;
  return selectRoutes(host, early, tracer).flatMap((selection) =>
    selectionBranches(manager, configuration, host, selection, early, tracer),
  );
}

/** JWT filters that clear the route cache let routes match on claims: their metadata is known to the routes. */
function claimsFirst(
  manager: HttpConnectionManager,
  configuration: RouteConfiguration,
  host: VirtualHost,
  request: HttpSubject,
): HttpSubject {
  const metadata = new Map(request.metadata);
  for (const { run } of jwtFilters(manager))
    for (const [key, value] of run(request, perRoute({ host, configuration }, "envoy.filters.http.jwt_authn"))
      .metadata ?? [])
      metadata.set(key, value);
  return { ...request, metadata };
}

function selectionBranches(
  manager: HttpConnectionManager,
  configuration: RouteConfiguration,
  host: VirtualHost,
  selection: Selection,
  request: HttpSubject,
  tracer: Tracer | undefined,
): readonly Branch[] {
  const { compiled, weighted, share } = selection;
  const place = { virtualHost: host.name ?? "", ...(compiled?.route.name && { route: compiled.route.name }) };
  const scope = { weighted, route: compiled?.route, host, configuration };
  const action = compiled?.route.route;
  const cluster = weighted ? (weighted.name ?? "") : (action?.cluster ?? "");
  const refused = compiled && upgradeRefusal(manager, action, request);
  if (refused) {
    const reply = told(refused, manager, tracer);
    return [{ kind: "reply", share, ...place, reply: action ? withResponseHeaders(reply, scope) : reply }];
  }
  // Without a route no place configures a filter, the virtual host neither.
  const filtered = runFilters(manager, compiled ? scope : {}, request, cluster, tracer);
  const delays = filtered.delays;
  const branches: Branch[] = filtered.replies.map(({ reply, share: part }) => ({
    kind: "reply",
    share: share * part,
    ...place,
    // The answer to a preflight request goes out as the filter made it; a route that forwards nothing has no say in others' answers.
    reply: action && reply.by !== "cors" ? withResponseHeaders(reply, scope) : reply,
    delays,
  }));
  const rest = share * filtered.rest;
  if (rest <= 0) return branches;
  if (compiled === undefined) {
    branches.push({
      kind: "reply",
      share: rest,
      ...place,
      reply: { status: 404, by: "no route" },
      failure: "no-route",
    });
    return branches;
  }
  const { redirect, directResponse } = compiled.route;
  if (redirect)
    branches.push({
      kind: "reply",
      share: rest,
      ...place,
      reply: withResponseHeaders(redirectReply(compiled, redirect, request), scope),
    });
  else if (directResponse) {
    const body = directResponse.body?.inlineString;
    const status = directResponse.status ?? 200;
    // Envoy says where for what was created or moved, if only the request's own place.
    const moved = status === 201 || (status >= 300 && status < 400);
    const reply: LocalReply = {
      status,
      by: "direct response",
      ...(moved && { headers: { location: redirectLocation(compiled, {}, request) } }),
      ...(body !== undefined && { body }),
    };
    branches.push({ kind: "reply", share: rest, ...place, reply: withResponseHeaders(reply, scope) });
  } else if (action)
    branches.push(forwardBranch({ share: rest, ...place }, compiled, action, scope, filtered.request, delays));
  else branches.push({ kind: "reply", share: rest, ...place, reply: { status: 500, by: "a route without action" } });
  return branches;
}

/** A route's own answers and those of filters carry the response headers of their places, as forwarded ones do. */
function withResponseHeaders(reply: LocalReply, { weighted, route, host, configuration }: Scope): LocalReply {
  const wins = configuration?.mostSpecificHeaderMutationsWins ?? false;
  const changes = mutations([weighted, route, host, configuration], "response", wins);
  if (changes.length === 0) return reply;
  return { ...reply, headers: Object.fromEntries(mutate(new Map(Object.entries(reply.headers ?? {})), changes)) };
}
