import { type ProxyNode, workloadSpiffeId } from "@fairlead/model";
import type { FilterChain, RbacRules, Route, RouteConfiguration, VirtualHost } from "../envoy.ts";
import { unpack } from "../envoy.ts";
import type { Question } from "../evaluate.ts";
import { compileChain, policiesOf } from "../listener/compiled-chain.ts";
import { exampleText } from "../match/example.ts";
import { headerKey } from "../match/header.ts";
import { pathTest } from "../match/path.ts";
import { regexExamples } from "../match/regex-example.ts";
import { policyExamples } from "../reach/example-request.ts";
import { indexOf, type Resources } from "../resources.ts";
import { type ConnectionClass, connectionClasses, connectionInput, sparePort } from "./connection-class.ts";
import { sameHosts } from "./same-hosts.ts";
import { type Edit, pathEdits, vocabularyOf } from "./vocabulary.ts";

/** A request that may be answered differently: a question without who asks. */
export type Candidate = Omit<Question, "from">;

type Policy = NonNullable<RbacRules["policies"]>[string];

/** No more requests of one host behind one kind of connection than this. */
const MOST = 4000;

/** Requests that one part of the configuration is made for: the plain ones, and what may be otherwise in each. */
interface Group {
  readonly connection: ConnectionClass;
  readonly host: string | undefined;
  readonly bases: Edit[];
  readonly edits: Edit[];
  /** What a token that one side takes has. */
  tokens: Readonly<Record<string, unknown>>;
}

/**
 * Requests that tell the resources of two sides apart: for each filter chain the connections that it is made for, in each for each
 * virtual host, route and policy a request that it takes, and that request with each text that a rule of either side compares with, at
 * both sides of its border; `callees`: what the policies of those who are called name. So what was added, removed, widened or narrowed is asked for.
 */
export function candidates(
  sides: readonly [Resources, Resources],
  node: ProxyNode,
  trustDomain: string,
  callees: readonly Policy[] = [],
): Iterable<Candidate> {
  const groups = new Map<string, Group>();
  const spare = sparePort(sides);
  const same = sameHosts(...sides);
  const beyond = { bases: callees.flatMap(policyExamples), edits: vocabularyOf(callees) };
  for (const resources of sides)
    for (const listener of resources.listeners)
      for (const [chain, classes] of connectionClasses(listener, { resources, spare, node }))
        for (const connection of classes) collect(groups, resources, chain, connection, same, beyond);
  return expand([...groups.values()], trustDomain);
}

/** An identity of the mesh that holds what a rule compares with: its namespace, its service account. */
function identityOf(text: string, trustDomain: string): string {
  if (text.startsWith("spiffe://")) return text;
  const [, namespace = "witness"] = /\/?ns\/([^/]+)/.exec(text) ?? [];
  const [, account = "witness"] = /\/?sa\/([^/]+)/.exec(text) ?? [];
  return workloadSpiffeId(trustDomain, namespace, account).uri;
}

function collect(
  groups: Map<string, Group>,
  resources: Resources,
  chain: FilterChain,
  connection: ConnectionClass,
  same: ReadonlySet<VirtualHost>,
  beyond: { readonly bases: readonly Edit[]; readonly edits: readonly Edit[] },
): void {
  const { manager } = compileChain(chain);
  const http = connection.protocol !== "tcp";
  const policies = policiesOf(chain).flatMap(({ rules }) => Object.values(rules?.policies ?? {}));
  const asked = { bases: policies.flatMap(policyExamples), edits: vocabularyOf(policies) };
  const into = (host: string | undefined, bases: readonly Edit[], edits: readonly Edit[]) => {
    const key = JSON.stringify([connection, host]);
    const group = groups.get(key) ?? { connection, host, bases: [], edits: [], tokens: {} };
    groups.set(key, group);
    if (Object.keys(group.tokens).length === 0) group.tokens = tokenOf(chain);
    const callees = connection.inbound || !http ? [] : [beyond];
    for (const more of [{ bases, edits }, asked, ...callees]) {
      group.bases.push(...more.bases);
      group.edits.push(...more.edits);
    }
  };
  if (!http || !manager) {
    into(undefined, [{}], []);
    return;
  }
  into(connection.sni, [{}], []);
  const name = manager.rds?.routeConfigName;
  const configuration = manager.routeConfig ?? (name === undefined ? undefined : indexOf(resources).routes.get(name));
  for (const virtualHost of configuration?.virtualHosts ?? []) {
    const routes = virtualHost.routes ?? [];
    // What is equal on both sides is asked for its clusters only.
    const equal = same.has(virtualHost);
    const bases = [{}, ...routes.flatMap((route) => (equal ? forRoute(route).slice(0, 1) : forRoute(route)))];
    const edits = equal
      ? []
      : [...routes.flatMap(({ match = {} }) => pathEdits(match)), ...vocabularyOf(routes.map(({ match }) => match))];
    const hosts = hostsOf(virtualHost, configuration);
    for (const host of equal ? hosts.slice(0, 1) : hosts) into(host, bases, edits);
  }
}

/** A host for the first domain of each kind: exact, with a wildcard; and, where ports count, one with a port. */
function hostsOf({ domains = [] }: VirtualHost, configuration: RouteConfiguration | undefined): readonly string[] {
  const exact = domains.find((domain) => !domain.includes("*"));
  const wild = domains.filter((domain) => domain.includes("*"));
  const hosts = [
    ...(exact === undefined ? [] : [exact]),
    ...wild.map((domain) =>
      domain === "*" ? "witness.invalid" : domain.replace(/^\*/, "witness").replace(/\*$/, "witness"),
    ),
  ];
  const ported = configuration?.ignorePortInHostMatching
    ? []
    : domains.filter((domain) => /:\d+$/.test(domain)).slice(0, 1);
  return [...new Set([...hosts, ...ported])];
}

/** A request that a route matches, where one can be made. */
function forRoute({ match = {} }: Route): readonly Edit[] {
  const literal = match.path ?? match.pathSeparatedPrefix ?? match.prefix;
  const test = pathTest(match);
  const paths =
    literal === undefined
      ? regexExamples(match.safeRegex?.regex ?? "").filter((path) => path.startsWith("/") && test?.matches(path))
      : [literal.startsWith("/") ? literal : `/${literal}`];
  const headers: Record<string, string> = {};
  let base: Edit = {};
  for (const matcher of match.headers ?? []) {
    if (matcher.invertMatch || matcher.presentMatch === false) continue;
    const name = headerKey(matcher.name ?? "");
    const value = matcher.stringMatch ? exampleText(matcher.stringMatch) : (matcher.exactMatch ?? "witness");
    if (name === ":method") base = { ...base, method: value };
    else if (name === ":authority") base = { ...base, host: value };
    else if (!name.startsWith(":")) headers[name] = value;
  }
  const query = Object.fromEntries(
    (match.queryParameters ?? []).flatMap(({ name = "", stringMatch, presentMatch }) =>
      presentMatch === false ? [] : [[name, (stringMatch && exampleText(stringMatch)) ?? ""]],
    ),
  );
  const [claims] = vocabularyOf([{ metadata: match.dynamicMetadata?.[0] }]);
  return paths.slice(0, 3).map((path) => ({
    ...base,
    path,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(Object.keys(query).length > 0 && { query }),
    ...(match.dynamicMetadata && claims?.claims && { claims: claims.claims }),
  }));
}

/** What a token of the first provider has. */
function tokenOf(chain: FilterChain): Readonly<Record<string, unknown>> {
  for (const { typedConfig } of compileChain(chain).manager?.httpFilters ?? []) {
    const jwt = unpack<{ providers?: Record<string, { issuer?: string; audiences?: string[] }> }>(
      typedConfig,
      "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
    );
    const [provider] = Object.values(jwt?.providers ?? {});
    if (provider) return { iss: provider.issuer, ...(provider.audiences && { aud: provider.audiences[0] }) };
  }
  return {};
}

function* expand(groups: readonly Group[], trustDomain: string): Iterable<Candidate> {
  for (const group of groups) {
    const seen = new Set<string>();
    const unique = (edits: readonly Edit[]) => [...new Map(edits.map((edit) => [JSON.stringify(edit), edit])).values()];
    const [bases, edits] = [unique(group.bases), unique(group.edits)];
    const token =
      Object.keys(group.tokens).length > 0 ? [{ claims: group.tokens }, { claims: { iss: "witness" } }] : [];
    const made = function* (): Iterable<Edit> {
      yield* bases;
      for (const edit of [...token, ...edits]) for (const base of bases) yield edited(base, edit);
    };
    for (const edit of made()) {
      if (seen.size >= MOST) break;
      const candidate = requestOf(group, edit, trustDomain);
      const key = JSON.stringify(candidate);
      if (seen.has(key)) continue;
      seen.add(key);
      yield candidate;
    }
  }
}

function edited(base: Edit, { without, ...edit }: Edit): Edit {
  const headers = { ...base.headers, ...edit.headers };
  const query = { ...base.query, ...edit.query };
  if (without?.header !== undefined) delete headers[without.header];
  if (without?.query !== undefined) delete query[without.query];
  return { ...base, ...edit, headers, query };
}

function requestOf({ connection, host, tokens }: Group, edit: Edit, trustDomain: string): Candidate {
  const { at, inbound, mutual, protocol } = connection;
  const { base, input } = connectionInput(connection, host?.replace(/:\d+$/, ""));
  const { path = "/", method, headers = {}, query = {}, claims, peer = "", client = connection.client } = edit;
  const authority = edit.host ?? (host !== undefined && /:\d+$/.test(host) ? host : undefined);
  const search = Object.entries(query).map(([name, value]) => (value === "" ? name : `${name}=${value}`));
  const all = { ...headers, ...(authority !== undefined && { host: authority }) };
  const http = protocol !== "tcp";
  return {
    request: {
      ...input,
      url: http ? `${base}${path}${search.length > 0 ? `?${search.join("&")}` : ""}` : base,
      ...(http && method !== undefined && { method }),
      ...(http && Object.keys(all).length > 0 && { headers: all }),
      ...(http && claims && Object.keys(claims).length > 0 && { claims: { ...tokens, ...claims } }),
    },
    at,
    ...(inbound && { inbound: mutual ? { peer: identityOf(peer, trustDomain) } : {} }),
    ...(client !== undefined && { client }),
  };
}
