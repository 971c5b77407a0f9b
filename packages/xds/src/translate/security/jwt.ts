import { type JwtRule, refOf } from "@fairlead/config";
import { type KeyServer, keyServer, keySetUrl, policiesOf, type Reader } from "@fairlead/mesh";
import type { ObjectRef } from "@fairlead/model";
import type { HttpFilter, JwtAuthentication, JwtProvider, JwtRequirement } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { durationOf, isGateway } from "../listener/node-settings.ts";
import { providerCluster } from "../listener/provider-cluster.ts";
import { defined, typed } from "../listener/typed.ts";
import { clusterName } from "../names.ts";

/** Where the keys of a provider come from. */
type KeySource = Pick<JwtProvider, "localJwks" | "remoteJwks">;

/** A public key whose private key was thrown away when it was made: no token is good. Envoy takes no empty set. */
export const NO_KEYS: KeySource = {
  localJwks: {
    inlineString:
      '{"keys":[{"kty":"EC","crv":"P-256","x":"3NlkG2cq8zhFqELNQINU4g5OGHum-mxVZWkulY-ghGs","y":"HPlYxEPjjjc3g0RijrfLd-5OmyM5Hsn4lWQmxzo4VNI"}]}',
  },
};

/** Claims that hold several values in one text. */
const SPACE_DELIMITED = ["permission", "scope"];

const list = (values: readonly string[] | undefined) => (values && values.length > 0 ? [...values] : undefined);

/** Rules of several objects in the order in which they are numbered. */
export function byIssuer(rules: readonly JwtRule[]): readonly JwtRule[] {
  return rules
    .map((rule, index) => ({ rule, index, issuer: rule.issuer ?? "" }))
    .sort((a, b) => (a.issuer < b.issuer ? -1 : a.issuer > b.issuer ? 1 : a.index - b.index))
    .map(({ rule }) => rule);
}

/**
 * All rules as one filter configuration, with a provider `origins-N` each. A token, where there is one, must be
 * good for its provider; none at all is fine unless authorization asks for one. Source: Istio API, `RequestAuthentication`.
 */
export function jwtAuthentication(
  rules: readonly JwtRule[],
  clearRouteCache: boolean,
  keys: (rule: JwtRule) => KeySource,
): JwtAuthentication | undefined {
  if (rules.length === 0) return undefined;
  const names = rules.map((_, index) => `origins-${index}`);
  const providers = Object.fromEntries(
    rules.map((rule, index) => [names[index] ?? "", provider(rule, clearRouteCache, keys(rule))]),
  );
  const orMissing = names.map(
    (providerName): JwtRequirement => ({ requiresAny: { requirements: [{ providerName }, { allowMissing: {} }] } }),
  );
  const [only, ...others] = orMissing;
  // Several providers may look for their token in the same place: then it is enough that it is good for one of them.
  const requires: JwtRequirement | undefined =
    others.length === 0
      ? only
      : {
          requiresAny: {
            requirements: [
              ...names.map((providerName) => ({ providerName })),
              { requiresAll: { requirements: orMissing } },
            ],
          },
        };
  return {
    providers,
    rules: [{ match: { prefix: "/" }, ...(requires ? { requires } : {}) }],
    bypassCorsPreflight: true,
  };
}

function provider(rule: JwtRule, clearRouteCache: boolean, keys: KeySource): JwtProvider {
  return defined<JwtProvider>({
    issuer: rule.issuer,
    audiences: list(rule.audiences),
    ...keys,
    forward: rule.forwardOriginalToken || undefined,
    forwardPayloadHeader: rule.outputPayloadToHeader || undefined,
    fromHeaders: rule.fromHeaders?.length
      ? rule.fromHeaders.map(({ name, prefix }) => ({ name, ...(prefix ? { valuePrefix: prefix } : {}) }))
      : undefined,
    fromParams: list(rule.fromParams),
    fromCookies: list(rule.fromCookies),
    payloadInMetadata: "payload",
    claimToHeaders: rule.outputClaimToHeaders?.length
      ? rule.outputClaimToHeaders.map(({ header, claim }) => ({ headerName: header, claimName: claim }))
      : undefined,
    clearRouteCache: clearRouteCache || undefined,
    normalizePayloadInMetadata: {
      spaceDelimitedClaims: rule.spaceDelimitedClaims
        ? [...new Set([...rule.spaceDelimitedClaims, ...SPACE_DELIMITED])].sort()
        : SPACE_DELIMITED,
    },
  });
}

/** The filter for the RequestAuthentications that hold for the node. */
export function jwtFilter(build: Build): HttpFilter | undefined {
  const { read } = build;
  const places = new Map<JwtRule, { readonly source: ObjectRef; readonly path: string }>();
  for (const object of policiesOf(read, "RequestAuthentication"))
    for (const [index, rule] of (object.spec.jwtRules ?? []).entries())
      places.set(rule, { source: refOf(object), path: `spec.jwtRules[${index}]` });
  const rules = byIssuer([...places.keys()]);
  const config = jwtAuthentication(rules, isGateway(read), (rule) => {
    const place = places.get(rule);
    return keySource(read, rule, (field, message, code) => {
      if (place)
        build.report({ code, severity: "warning", object: place.source, path: `${place.path}.${field}`, message });
    });
  });
  if (!config) return undefined;
  for (const [rule, { source, path }] of places)
    if (rule.presence === "REQUIRED")
      build.report({
        code: "unsupported-field",
        severity: "warning",
        object: source,
        path: `${path}.presence`,
        message: "a token is not required by authentication alone; require it with an AuthorizationPolicy",
      });
  const filter: HttpFilter = {
    name: "envoy.filters.http.jwt_authn",
    typedConfig: typed("envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", config),
  };
  const [first] = places.values();
  for (const { source } of places.values()) build.uses(source);
  return first ? build.from(filter, first.source) : filter;
}

type Report = (field: string, message: string, code: string) => void;

/** Keys given in the rule, fetched by the control plane, or by the proxy itself through a cluster of the mesh. */
export function keySource(read: Reader, rule: JwtRule, report: Report): KeySource {
  const field = rule.jwks ? "jwks" : rule.jwksUri ? "jwksUri" : "issuer";
  const url = keySetUrl(rule);
  const fetched = url === undefined ? { keys: rule.jwks ?? "" } : read.bucket("keySet", url);
  if (fetched?.keys !== undefined && hasKey(fetched.keys)) return { localJwks: { inlineString: fetched.keys } };
  if (fetched) {
    const problem = fetched.problem ?? "holds no key that Envoy can use";
    report(field, `${problem}: all tokens are refused`, rule.jwks ? "jwks-invalid" : "jwks-unreachable");
    return NO_KEYS;
  }
  if (field === "issuer") {
    report(
      field,
      "proxies do not find keys by the issuer's OpenID configuration: give jwksUri or jwks, or have the control plane fetch them; all tokens are refused",
      "unsupported-field",
    );
    return NO_KEYS;
  }
  const server = keyServer(rule.jwksUri ?? "");
  if (!server) {
    report(field, `${JSON.stringify(rule.jwksUri)} is not an HTTP URL: all tokens are refused`, "jwks-unreachable");
    return NO_KEYS;
  }
  const cluster = meshCluster(read, server);
  if (cluster === undefined)
    report(
      field,
      `proxies fetch keys through the mesh, which has no service ${server.host}: add a ServiceEntry for it, or have the control plane fetch them; until then tokens are refused`,
      "jwks-unreachable",
    );
  return {
    remoteJwks: {
      httpUri: {
        uri: rule.jwksUri ?? "",
        cluster: cluster ?? clusterName("outbound", server.port, "", server.host),
        timeout: durationOf(rule.timeout) ?? "5s",
      },
      cacheDuration: "300s",
    },
  };
}

function meshCluster(read: Reader, { names, port }: KeyServer): string | undefined {
  const clusters = names.map((name) => providerCluster(read, name, port));
  return clusters.find((one) => one.problem === undefined)?.cluster;
}

/** What a key of each type must have. */
const KEY_FIELDS: Readonly<Record<string, readonly string[]>> = {
  RSA: ["n", "e"],
  EC: ["x", "y"],
  OKP: ["crv", "x"],
  oct: ["k"],
};

/** Whether a key set has a key at all: Envoy would reject the whole listener otherwise. Also the older form, PEM by id. */
function hasKey(text: string): boolean {
  try {
    const set: unknown = JSON.parse(text);
    if (typeof set !== "object" || set === null) return false;
    const { keys } = set as { keys?: unknown };
    if (!Array.isArray(keys)) return Object.values(set).some((value) => String(value).includes("BEGIN CERTIFICATE"));
    return keys.some((key: Readonly<Record<string, unknown>> | null) => {
      const needed = KEY_FIELDS[String(key?.kty)];
      return needed?.every((field) => typeof key?.[field] === "string") ?? false;
    });
  } catch {
    return false;
  }
}
