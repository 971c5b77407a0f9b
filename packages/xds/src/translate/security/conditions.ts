// Longer than most files: one table of everything an AuthorizationPolicy can ask about, in one place.
import type { AuthorizationOperation, AuthorizationSource } from "@fairlead/config";
import type { MetadataMatcher, Permission, Principal, StringMatcher, ValueMatcher } from "../../proto/types.ts";
import { cidrRange } from "../listener/address.ts";
import { typed } from "../listener/typed.ts";
import { ANY_TEXT, headerMatch, quoteRegex, regexMatch, valueMatch } from "./string-match.ts";

/** Whether a policy is enforced on requests, or on connections whose content is not seen. */
export type Protocol = "http" | "tcp";

/** What Envoy is asked, or why it cannot be asked that here. */
export type Asked<R> = { readonly rule: R; readonly problem?: never } | { readonly problem: string };

interface Context {
  readonly key: string;
  readonly protocol: Protocol;
  /** The policy's own namespace, which service accounts without one are in. */
  readonly namespace: string;
}

/** `each`: one question a value, any of which may hold. `all`: one question for all values. */
type Condition<R> =
  | { readonly each: (value: string, context: Context) => Asked<R> }
  | { readonly all: (values: readonly string[], context: Context) => Asked<R> };

const HTTP_ONLY = (key: string) => ({ problem: `${key} can be asked about HTTP requests only` });
const JWT_FILTER = "envoy.filters.http.jwt_authn";

function peer(principalName: StringMatcher): Asked<Principal> {
  return { rule: { authenticated: { principalName } } };
}

function ip<R>(value: string, make: (range: NonNullable<ReturnType<typeof cidrRange>>) => R): Asked<R> {
  const range = cidrRange(value);
  return range ? { rule: make(range) } : { problem: `${JSON.stringify(value)} is not an IP address or CIDR` };
}

function claim(path: readonly string[], value: ValueMatcher): MetadataMatcher {
  return { filter: JWT_FILTER, path: ["payload", ...path].map((key) => ({ key })), value };
}

/** A claim that is a list with such a member, or such a value itself. */
function listClaim(path: readonly string[], values: readonly string[]): Principal {
  const value = anyOf(values.map((one) => ({ stringMatch: valueMatch(one) })));
  return { metadata: claim(path, { orMatch: { valueMatchers: [{ listMatch: { oneOf: value } }, value] } }) };
}

function anyOf(matchers: readonly ValueMatcher[]): ValueMatcher {
  const [only] = matchers;
  return matchers.length === 1 && only ? only : { orMatch: { valueMatchers: [...matchers] } };
}

/** `issuer/subject` of a token; the issuer may be a URL, and either side may be `*` or have one at its outer end. */
function requestPrincipal(value: string): Principal {
  const slash = value.lastIndexOf("/");
  const issuer = slash < 0 ? value : value.slice(0, slash);
  const subject = slash < 0 ? "" : value.slice(slash + 1);
  let of: readonly [issuer: StringMatcher, subject: StringMatcher];
  if (value === "*") of = [ANY_TEXT, ANY_TEXT];
  else if (value.startsWith("*"))
    of =
      slash < 0
        ? [ANY_TEXT, { suffix: value.slice(1) }]
        : [issuer === "*" ? ANY_TEXT : { suffix: issuer.slice(1) }, { exact: subject }];
  else if (value.endsWith("*"))
    of =
      slash < 0
        ? [{ prefix: value.slice(0, -1) }, ANY_TEXT]
        : [{ exact: issuer }, subject === "*" ? ANY_TEXT : { prefix: subject.slice(0, -1) }];
  else of = [{ exact: issuer }, { exact: subject }];
  return {
    andIds: {
      ids: [{ metadata: claim(["iss"], { stringMatch: of[0] }) }, { metadata: claim(["sub"], { stringMatch: of[1] }) }],
    },
  };
}

/** `[a][b]` to `a`, `b`; undefined when it is not of that form. */
export function bracketNames(text: string): readonly string[] | undefined {
  if (/^(\[[^[\]]*\])+$/.test(text)) return [...text.matchAll(/\[([^[\]]*)\]/g)].map(([, name = ""]) => name);
  return text.startsWith("[") && text.endsWith("]") ? [text.slice(1, -1)] : undefined;
}

const ipBlocks: Condition<Principal> = { each: (value) => ip(value, (directRemoteIp) => ({ directRemoteIp })) };
const remoteIpBlocks: Condition<Principal> = { each: (value) => ip(value, (remoteIp) => ({ remoteIp })) };
const namespaces: Condition<Principal> = {
  each: (value) => peer(regexMatch(`.*/ns/${value.split("*").map(quoteRegex).join(".*")}/.*`)),
};
const serviceAccounts: Condition<Principal> = {
  each(value, { namespace }) {
    const slash = value.indexOf("/");
    const home = slash < 0 ? namespace : value.slice(0, slash);
    const account = value.slice(slash + 1);
    // Other pairs may stand between namespace and account, and after the account.
    return peer(regexMatch(`spiffe://.+/ns/${quoteRegex(home)}/(.+/|)sa/${quoteRegex(account)}(/.+)?`));
  },
};
const trustDomains: Condition<Principal> = {
  each(value) {
    if (value === "*") return peer({ prefix: "spiffe://" });
    const star = value.indexOf("*");
    if (star < 0) return peer({ prefix: `spiffe://${value}/` });
    const pattern = `${quoteRegex(value.slice(0, star))}[^/]*${quoteRegex(value.slice(star + 1))}`;
    return peer(regexMatch(`spiffe://${pattern}/.*`));
  },
};
const principals: Condition<Principal> = { each: (value) => peer(valueMatch(value, "spiffe://")) };
const requestPrincipals: Condition<Principal> = {
  all(values, { protocol, key }) {
    if (protocol === "tcp") return HTTP_ONLY(key);
    const ids = values.map(requestPrincipal);
    const [only] = ids;
    return { rule: ids.length === 1 && only ? only : { orIds: { ids } } };
  },
};
const tokenList = (name: string): Condition<Principal> => ({
  all: (values, { protocol, key }) => (protocol === "tcp" ? HTTP_ONLY(key) : { rule: listClaim([name], values) }),
});
const requestHeader: Condition<Principal> = {
  each(value, { key, protocol }) {
    if (protocol === "tcp") return HTTP_ONLY(key);
    const rest = key.slice("request.headers".length);
    if (!rest.startsWith("[") || !rest.endsWith("]"))
      return { problem: `${key} is not of the form request.headers[name]` };
    return { rule: { header: headerMatch(rest.slice(1, -1), value, false) } };
  },
};
const requestClaim: Condition<Principal> = {
  all(values, { key, protocol }) {
    if (protocol === "tcp") return HTTP_ONLY(key);
    const path = bracketNames(key.slice("request.auth.claims".length));
    return path
      ? { rule: listClaim(path, values) }
      : { problem: `${key} is not of the form request.auth.claims[name]` };
  },
};

const destinationIp: Condition<Permission> = { each: (value) => ip(value, (range) => ({ destinationIp: range })) };
const ports: Condition<Permission> = {
  each(value) {
    const port = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    return port <= 65_535 ? { rule: { destinationPort: port } } : { problem: `${JSON.stringify(value)} is not a port` };
  },
};
const serverName: Condition<Permission> = { each: (value) => ({ rule: { requestedServerName: valueMatch(value) } }) };
const hosts: Condition<Permission> = {
  each: (value, { key, protocol }) =>
    protocol === "tcp" ? HTTP_ONLY(key) : { rule: { header: headerMatch(":authority", value, true) } },
};
const methods: Condition<Permission> = {
  each: (value, { key, protocol }) =>
    protocol === "tcp" ? HTTP_ONLY(key) : { rule: { header: headerMatch(":method", value, false) } },
};
const paths: Condition<Permission> = {
  each(value, { key, protocol }) {
    if (protocol === "tcp") return HTTP_ONLY(key);
    if (!/\{\*\*?\}/.test(value)) return { rule: { urlPath: { path: valueMatch(value) } } };
    const pathTemplate = value.replaceAll("{**}", "**").replaceAll("{*}", "*");
    return {
      rule: {
        uriTemplate: {
          name: "uri-template",
          typedConfig: typed("envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", { pathTemplate }),
        },
      },
    };
  },
};
/** `experimental.envoy.filters.a.b[c]`: key `c` of what filter `a.b` wrote. A value in brackets is a member of a list. */
const envoyMetadata: Condition<Permission> = {
  all(values, { key }) {
    const match = /^experimental\.(envoy\.filters\.[^[]*)\[(.*?)\]?$/.exec(key);
    if (!match) return { problem: `${key} is not of the form experimental.envoy.filters.name[key]` };
    const [, filter = "", name = ""] = match;
    const matchers = values.map(
      (value): ValueMatcher =>
        value.startsWith("[") && value.endsWith("]")
          ? { listMatch: { oneOf: { stringMatch: valueMatch(value.replace(/^[[\]]+|[[\]]+$/g, "")) } } }
          : { stringMatch: valueMatch(value) },
    );
    return { rule: { metadata: { filter, path: [{ key: name }], value: anyOf(matchers) } } };
  },
};

/** A question with the values that may and may not be the answer. */
export interface Clause<R> {
  readonly key: string;
  readonly condition: Condition<R>;
  readonly values: readonly string[];
  readonly notValues: readonly string[];
  /** Which field it was written in. */
  readonly path: string;
  /** How trust domain aliases bear on the values. */
  readonly aliases?: "principals" | "trustDomains";
}

type SourceField = keyof AuthorizationSource;

/** Fields of `from.source`: in the order in which Envoy is asked. */
export const SOURCE_CONDITIONS: readonly (readonly [
  key: string,
  condition: Condition<Principal>,
  field: SourceField,
  notField: SourceField,
  aliases?: "principals" | "trustDomains",
])[] = [
  ["source.principal", principals, "principals", "notPrincipals", "principals"],
  ["request.auth.principal", requestPrincipals, "requestPrincipals", "notRequestPrincipals"],
  ["source.serviceAccount", serviceAccounts, "serviceAccounts", "notServiceAccounts"],
  ["source.trustDomain", trustDomains, "trustDomains", "notTrustDomains", "trustDomains"],
  ["source.namespace", namespaces, "namespaces", "notNamespaces"],
  ["remote.ip", remoteIpBlocks, "remoteIpBlocks", "notRemoteIpBlocks"],
  ["source.ip", ipBlocks, "ipBlocks", "notIpBlocks"],
];

type OperationField = keyof AuthorizationOperation;

/** Fields of `to.operation`: in the order in which Envoy is asked. */
export const OPERATION_CONDITIONS: readonly (readonly [
  key: string,
  condition: Condition<Permission>,
  field: OperationField,
  notField: OperationField,
])[] = [
  ["hosts", hosts, "hosts", "notHosts"],
  ["methods", methods, "methods", "notMethods"],
  ["paths", paths, "paths", "notPaths"],
  ["destination.port", ports, "ports", "notPorts"],
];

/** Keys of `when` that ask who. */
export function principalCondition(
  key: string,
): readonly [condition: Condition<Principal>, aliases?: "principals" | "trustDomains"] | undefined {
  const named = SOURCE_CONDITIONS.find(([name]) => name === key);
  if (named) return named[4] ? [named[1], named[4]] : [named[1]];
  if (key === "request.auth.audiences") return [tokenList("aud")];
  if (key === "request.auth.presenter") return [tokenList("azp")];
  if (key.startsWith("request.headers")) return [requestHeader];
  return key.startsWith("request.auth.claims") ? [requestClaim] : undefined;
}

/** Keys of `when` that ask what. */
export function permissionCondition(key: string): Condition<Permission> | undefined {
  if (key === "destination.ip") return destinationIp;
  if (key === "destination.port") return ports;
  if (key === "connection.sni") return serverName;
  return key.startsWith("experimental.envoy.filters.") ? envoyMetadata : undefined;
}
