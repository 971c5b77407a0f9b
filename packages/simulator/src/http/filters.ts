import {
  type AnyMessage,
  type CorsPolicy,
  type HTTPFault,
  type HttpConnectionManager,
  type HttpRbac,
  type JwtAuthentication,
  unpack,
} from "../envoy.ts";
import type { Forward } from "../evaluation.ts";
import { applyCors } from "../filter/cors.ts";
import { applyFault } from "../filter/fault.ts";
import { applyJwt } from "../filter/jwt.ts";
import { type FilterOutcome, type LocalReply, PASS } from "../filter/outcome.ts";
import { perRoute, type Scope } from "../filter/per-route.ts";
import { applyRbac } from "../filter/rbac.ts";
import type { HttpSubject } from "../subject.ts";
import type { Tracer } from "../trace.ts";

const FAULT = "envoy.extensions.filters.http.fault.v3.HTTPFault";
const JWT = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";
const RBAC = "envoy.extensions.filters.http.rbac.v3.RBAC";
const CORS = "envoy.extensions.filters.http.cors.v3.CorsPolicy";

/** Filters that decide nothing about where a request goes. */
const NEUTRAL =
  /(router|grpc_stats|grpc_web|alpn|metadata_exchange|peer_metadata|istio\.stats|istio_stats|compressor|buffer|health_check|set_filter_state|header_to_metadata|\.stats)/;

interface Setting {
  readonly config?: AnyMessage;
  readonly disabled?: boolean;
}

type HttpFilter = NonNullable<HttpConnectionManager["httpFilters"]>[number];

const deciding = new WeakMap<HttpConnectionManager, readonly HttpFilter[]>();

/** The filters that may decide something. */
function decidingFilters(manager: HttpConnectionManager): readonly HttpFilter[] {
  let filters = deciding.get(manager);
  if (filters === undefined) {
    const known = [FAULT, JWT, RBAC, "envoy.extensions.filters.http.cors.v3.Cors"];
    filters = (manager.httpFilters ?? []).filter(({ name = "", typedConfig }) => {
      const type = typedConfig?.["@type"] ?? "";
      return known.some((one) => type.endsWith(`/${one}`)) || !(NEUTRAL.test(name) || NEUTRAL.test(type));
    });
    deciding.set(manager, filters);
  }
  return filters;
}

/** What the filters did: their own answers, and the rest that goes on. */
export interface Filtered {
  readonly replies: readonly { readonly reply: LocalReply; readonly share: number }[];
  readonly rest: number;
  readonly delays: Forward["delays"];
  readonly request: HttpSubject;
}

/** Runs the filters in their order; each sees what the one before it let on. */
export function runFilters(
  manager: HttpConnectionManager,
  scope: Scope,
  request: HttpSubject,
  cluster: string,
  tracer?: Tracer,
): Filtered {
  const replies: { reply: LocalReply; share: number }[] = [];
  const delays: { duration: string; share: number }[] = [];
  let rest = 1;
  let subject = request;
  for (const filter of decidingFilters(manager)) {
    const name = filter.name ?? "";
    const setting = perRoute(scope, name);
    if (setting.disabled ?? filter.disabled ?? false) continue;
    const outcome = runFilter(
      name,
      filter.typedConfig,
      setting,
      subject,
      cluster,
      scope.route?.route !== undefined,
      tracer,
    );
    if (outcome.metadata) subject = { ...subject, metadata: new Map([...subject.metadata, ...outcome.metadata]) };
    if (outcome.delay) {
      delays.push({ ...outcome.delay, share: outcome.delay.share * rest });
      tracer?.add(
        "http filter",
        name,
        true,
        `delays ${outcome.delay.share * 100} % by ${outcome.delay.duration}`,
        setting.config,
      );
    }
    if (!outcome.reply) continue;
    const share = outcome.replyShare ?? 1;
    replies.push({ reply: outcome.reply, share: rest * share });
    tracer?.add(
      "http filter",
      name,
      true,
      `answers ${outcome.reply.status} to ${share * 100} % itself`,
      setting.config ?? filter,
    );
    rest *= 1 - share;
    if (rest <= 0) break;
  }
  return { replies, rest, delays, request: subject };
}

function runFilter(
  name: string,
  config: AnyMessage | undefined,
  setting: Setting,
  subject: HttpSubject,
  cluster: string,
  forwards: boolean,
  tracer: Tracer | undefined,
): FilterOutcome {
  const type = config?.["@type"] ?? "";
  if (type.endsWith(`/${FAULT}`)) {
    const fault = unpack<HTTPFault>(setting.config, FAULT) ?? unpack<HTTPFault>(config, FAULT);
    return fault ? applyFault(fault, subject, cluster) : PASS;
  }
  if (type.endsWith(".cors.v3.Cors")) {
    // The filter takes no notice of routes that redirect or answer.
    const policy = forwards ? unpack<CorsPolicy>(setting.config, CORS) : undefined;
    return policy ? applyCors(policy, subject) : PASS;
  }
  const rbac = unpack<HttpRbac>(config, RBAC);
  if (rbac) {
    const own = unpack<{ rbac?: HttpRbac }>(setting.config, "envoy.extensions.filters.http.rbac.v3.RBACPerRoute");
    const rules = own ? own.rbac : rbac;
    const remoteAddress = remoteAddressOf(subject);
    return rules ? applyRbac(rules, { connection: subject.connection, http: subject, remoteAddress }, tracer) : PASS;
  }
  const jwt = unpack<JwtAuthentication>(config, JWT);
  if (jwt) return runJwt(jwt, setting, subject, tracer);
  tracer?.add("http filter", name, true, "not simulated: taken as letting every request on");
  return PASS;
}

function runJwt(jwt: JwtAuthentication, setting: Setting, subject: HttpSubject, tracer?: Tracer): FilterOutcome {
  const own = unpack<{ disabled?: boolean; requirementName?: string }>(
    setting.config,
    "envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig",
  );
  return own?.disabled ? PASS : applyJwt(jwt, subject, own?.requirementName, tracer);
}

interface JwtFilter {
  readonly clears: boolean;
  readonly run: (subject: HttpSubject, setting: Setting) => FilterOutcome;
}

const jwts = new WeakMap<HttpConnectionManager, readonly JwtFilter[]>();

/** The JWT filters of a manager, and whether they make it choose the route anew. */
export function jwtFilters(manager: HttpConnectionManager): readonly JwtFilter[] {
  let filters = jwts.get(manager);
  if (filters === undefined) {
    filters = (manager.httpFilters ?? []).flatMap(({ typedConfig }) => {
      const jwt = unpack<JwtAuthentication>(typedConfig, JWT);
      if (!jwt) return [];
      const clears = Object.values(jwt.providers ?? {}).some(({ clearRouteCache }) => clearRouteCache);
      return [{ clears, run: (subject: HttpSubject, setting: Setting) => runJwt(jwt, setting, subject) }];
    });
    jwts.set(manager, filters);
  }
  return filters;
}

/** The last address of `x-forwarded-for`, else the peer's. */
function remoteAddressOf({ headers, connection }: HttpSubject): string {
  return headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() || connection.source.address;
}
