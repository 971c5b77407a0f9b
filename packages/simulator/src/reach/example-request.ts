import type {
  HeaderMatcher,
  HttpRbac,
  MetadataMatcher,
  NetworkRbac,
  Permission,
  Principal,
  RbacRules,
  StringMatcher,
  ValueMatcher,
} from "../envoy.ts";
import { exampleText } from "../match/example.ts";
import { headerKey } from "../match/header.ts";

/** The parts of a request that policies look at. */
export interface ExampleRequest {
  readonly path?: string;
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** URI name of the client's certificate. */
  readonly peer?: string;
  /** Address of the client. */
  readonly client?: string;
}

type Policy = NonNullable<RbacRules["policies"]>[string];

const NOTHING: readonly ExampleRequest[] = [{}];
/** No more alternatives of one policy than this are tried. */
const MOST = 64;

function cross(lists: readonly (readonly ExampleRequest[])[]): readonly ExampleRequest[] {
  return lists.reduce<readonly ExampleRequest[]>(
    (sum, list) => sum.flatMap((left) => list.map((right) => join(left, right))).slice(0, MOST),
    NOTHING,
  );
}

function join(left: ExampleRequest, right: ExampleRequest): ExampleRequest {
  const headers = { ...left.headers, ...right.headers };
  const claims = { ...left.claims, ...right.claims };
  return {
    ...left,
    ...right,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(Object.keys(claims).length > 0 && { claims }),
  };
}

/** Requests made to fulfil a permission; what cannot be aimed at is left out. */
function ofPermission(given: Permission): readonly ExampleRequest[] {
  if (given.andRules) return cross((given.andRules.rules ?? []).map(ofPermission));
  if (given.orRules) return (given.orRules.rules ?? []).flatMap(ofPermission).slice(0, MOST);
  if (given.header) return ofHeader(given.header);
  if (given.urlPath?.path) return ofPath(exampleText(given.urlPath.path));
  if (given.uriTemplate) {
    const { pathTemplate = "/" } = (given.uriTemplate.typedConfig ?? {}) as { pathTemplate?: string };
    return ofPath(pathTemplate.replace(/\{?\*+\}?|\{[^}]*\}/g, "witness"));
  }
  return given.metadata ? ofMetadata(given.metadata) : NOTHING;
}

function ofPrincipal(given: Principal): readonly ExampleRequest[] {
  if (given.andIds) return cross((given.andIds.ids ?? []).map(ofPrincipal));
  if (given.orIds) return (given.orIds.ids ?? []).flatMap(ofPrincipal).slice(0, MOST);
  if (given.header) return ofHeader(given.header);
  if (given.urlPath?.path) return ofPath(exampleText(given.urlPath.path));
  const name = given.authenticated?.principalName ?? given.filterState?.stringMatch;
  if (name) return [{ peer: exampleText(name) }];
  const range = given.directRemoteIp ?? given.sourceIp ?? given.remoteIp;
  if (range?.addressPrefix) return [{ client: range.addressPrefix }];
  return given.metadata ? ofMetadata(given.metadata) : NOTHING;
}

/** Requests made to meet a policy; what it excepts is not looked at: check them. */
export function policyExamples({ permissions = [], principals = [] }: Policy): readonly ExampleRequest[] {
  return cross([permissions.flatMap(ofPermission), principals.flatMap(ofPrincipal)]);
}

function ofPath(text: string): readonly ExampleRequest[] {
  return [{ path: text.startsWith("/") ? text : `/${text}` }];
}

function ofHeader(matcher: HeaderMatcher): readonly ExampleRequest[] {
  if (matcher.invertMatch || matcher.presentMatch === false) return NOTHING;
  const value =
    (matcher.stringMatch && exampleText(matcher.stringMatch)) ??
    matcher.exactMatch ??
    matcher.prefixMatch ??
    matcher.suffixMatch ??
    matcher.containsMatch ??
    "witness";
  const name = headerKey(matcher.name ?? "");
  if (name === ":method") return [{ method: value || "GET" }];
  if (name === ":authority") return [{ host: value }];
  if (name === ":path") return ofPath(value);
  return name.startsWith(":") ? NOTHING : [{ headers: { [name]: value } }];
}

/** Claims of a token: `payload` and the claim's path in what the JWT filter leaves. */
export function ofMetadata({ filter, path = [], value }: MetadataMatcher): readonly ExampleRequest[] {
  const keys = path.flatMap(({ key }) => (key === undefined ? [] : [key]));
  const [first, ...rest] = keys[0] === "payload" ? keys.slice(1) : keys;
  const match = textMatcher(value);
  if (!filter?.includes("jwt") || first === undefined || !match) return NOTHING;
  const text = exampleText(match);
  return [{ claims: { [first]: rest.reduceRight<unknown>((inner, key) => ({ [key]: inner }), text) } }];
}

function textMatcher(value: ValueMatcher | undefined): StringMatcher | undefined {
  if (value === undefined) return undefined;
  const alternatives = [value.listMatch?.oneOf, ...(value.orMatch?.valueMatchers ?? [])];
  return value.stringMatch ?? alternatives.map(textMatcher).find((one) => one !== undefined);
}

/** Requests to try against filters: made for each policy that allows, then everything that policies name, then the plain one. */
export function exampleRequests(
  filters: readonly (HttpRbac | NetworkRbac)[],
  policies: ReadonlySet<string>,
  /** What every token has: issuer and audience. */
  token: Readonly<Record<string, unknown>> = {},
): readonly ExampleRequest[] {
  const named = filters.flatMap(({ rules }) =>
    Object.entries(rules?.policies ?? {}).map(([name, policy]) => ({
      aimed: (rules?.action ?? "ALLOW") === "ALLOW" && policies.has(name),
      // Who asks is given here.
      requests: policyExamples(policy).map(({ peer: _, client: __, ...request }) => request),
      opposed: (policy.permissions ?? []).flatMap(negated),
    })),
  );
  const aimed = named.filter((one) => one.aimed).flatMap(({ requests }) => requests);
  const literals = named.flatMap(({ requests, opposed }) => [...requests, ...opposed]);
  const paths = ["/", "/witness", ...literals.flatMap(({ path }) => path ?? [])];
  const methods = ["GET", "POST", "DELETE", ...literals.flatMap(({ method }) => method ?? [])];
  const bases = aimed.length > 0 ? aimed : NOTHING;
  const wide = bases.flatMap((base) => [
    base,
    ...(base.path === undefined ? unique(paths).map((path) => ({ path, ...base })) : []),
    ...(base.method === undefined ? unique(methods).map((method) => ({ method, ...base })) : []),
    ...unique(paths).flatMap((path) => unique(methods).map((method) => ({ path, method, ...base }))),
  ]);
  return uniqueRequests([...bases, ...wide, ...literals])
    .slice(0, 500)
    .map((one) => (one.claims ? { ...one, claims: { ...token, ...one.claims } } : one));
}

/** What a rule excepts is what may be let through where it denies. */
function negated(given: Permission): readonly ExampleRequest[] {
  const inner = [...(given.andRules?.rules ?? []), ...(given.orRules?.rules ?? [])];
  return given.notRule ? ofPermission(given.notRule) : inner.flatMap(negated);
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}

function uniqueRequests(requests: readonly ExampleRequest[]): readonly ExampleRequest[] {
  return [...new Map(requests.map((one) => [JSON.stringify(one), one])).values()];
}
