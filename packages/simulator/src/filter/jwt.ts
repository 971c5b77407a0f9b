import type { JwtAuthentication, JwtRequirement } from "../envoy.ts";
import { compileRoute, routeMatches } from "../route/route-match.ts";
import type { HttpSubject } from "../subject.ts";
import type { Tracer } from "../trace.ts";
import { isPreflight } from "./cors.ts";
import { type FilterOutcome, PASS } from "./outcome.ts";

const FILTER = "envoy.filters.http.jwt_authn";

const UNKNOWN_ISSUER = "Jwt issuer is not configured";

type Result = "ok" | "missing" | { readonly status: number; readonly why: string };

/**
 * The JWT filter. A request carries at most one token, given by its claims and taken as genuine: signature and lifetime
 * are not checked, issuer and audience are.
 */
export function applyJwt(
  config: JwtAuthentication,
  subject: HttpSubject,
  named: string | undefined,
  tracer?: Tracer,
): FilterOutcome {
  if (config.bypassCorsPreflight && isPreflight(subject.headers)) {
    tracer?.add("jwt", "requirement", true, "preflight requests are let on");
    return PASS;
  }
  const requirement = named ? config.requirementMap?.[named] : ruleOf(config, subject);
  if (requirement === undefined) return PASS;
  const metadata = new Map<string, unknown>();
  const result = verify(config, requirement, subject, metadata);
  const passed = result === "ok";
  const why = passed
    ? metadata.size > 0
      ? "the token is accepted"
      : "no token is required"
    : result === "missing"
      ? "the request carries no token"
      : result.why;
  tracer?.add("jwt", "requirement", passed, why, requirement);
  if (passed) return metadata.size > 0 ? { metadata } : PASS;
  const body = result === "missing" ? "Jwt is missing" : result.why;
  return { reply: { status: result === "missing" ? 401 : result.status, body, by: "jwt" } };
}

function ruleOf(config: JwtAuthentication, subject: HttpSubject): JwtRequirement | undefined {
  for (const rule of config.rules ?? []) {
    if (!routeMatches(compileRoute({ match: rule.match ?? {} }), subject)) continue;
    return rule.requires ?? (rule.requirementName ? config.requirementMap?.[rule.requirementName] : undefined);
  }
  return undefined;
}

function verify(
  config: JwtAuthentication,
  requirement: JwtRequirement,
  subject: HttpSubject,
  metadata: Map<string, unknown>,
): Result {
  if (requirement.requiresAny) {
    const results = (requirement.requiresAny.requirements ?? []).map((one) => verify(config, one, subject, metadata));
    // A token that is wrong says more than one that is missing or somebody else's.
    return (
      results.find((result) => result === "ok") ??
      results.findLast((result) => typeof result === "object" && result.why !== UNKNOWN_ISSUER) ??
      results.at(-1) ??
      "ok"
    );
  }
  if (requirement.requiresAll) {
    for (const one of requirement.requiresAll.requirements ?? []) {
      const result = verify(config, one, subject, metadata);
      if (result !== "ok") return result;
    }
    return "ok";
  }
  if (requirement.allowMissingOrFailed !== undefined) {
    for (const name of Object.keys(config.providers ?? {})) check(config, name, undefined, subject, metadata);
    return "ok";
  }
  if (requirement.allowMissing !== undefined) {
    if (subject.claims === undefined) return "ok";
    const results = Object.keys(config.providers ?? {}).map((name) =>
      check(config, name, undefined, subject, metadata),
    );
    return results.find((result) => result === "ok") ?? results.at(-1) ?? "ok";
  }
  if (requirement.providerAndAudiences)
    return check(
      config,
      requirement.providerAndAudiences.providerName ?? "",
      requirement.providerAndAudiences.audiences,
      subject,
      metadata,
    );
  if (requirement.providerName) return check(config, requirement.providerName, undefined, subject, metadata);
  return "ok";
}

function check(
  config: JwtAuthentication,
  name: string,
  audiences: readonly string[] | undefined,
  { claims }: HttpSubject,
  metadata: Map<string, unknown>,
): Result {
  const provider = config.providers?.[name];
  if (provider === undefined) return { status: 401, why: `Jwt provider ${name} does not exist` };
  if (claims === undefined) return "missing";
  if (provider.issuer && claims.iss !== provider.issuer) return { status: 401, why: UNKNOWN_ISSUER };
  const wanted = audiences ?? provider.audiences ?? [];
  const given = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  if (wanted.length > 0 && !wanted.some((audience) => given.includes(audience)))
    return { status: 403, why: "Audiences in Jwt are not allowed" };
  if (provider.payloadInMetadata)
    metadata.set(FILTER, { ...(metadata.get(FILTER) as object | undefined), [provider.payloadInMetadata]: claims });
  return "ok";
}
