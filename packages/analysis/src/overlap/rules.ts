import type { HttpMatch, HttpRoute, TcpMatch, TcpRoute, TlsMatch, TlsRoute } from "@fairlead/config";
import type { Placed, ResolvedVirtualService } from "@fairlead/mesh";
import { connectionSet } from "./connection-set.ts";
import { Undecided } from "./language.ts";
import { matchSet } from "./match-set.ts";
import type { RequestSet, RequestSets } from "./request-set.ts";
import type { RuleSets } from "./shadowing.ts";

/** A rule of a VirtualService with the requests it matches. */
export interface ComparedRule extends RuleSets {
  readonly placed: Placed<HttpRoute | TlsRoute | TcpRoute>;
  readonly service: ResolvedVirtualService;
  /** Of `matches`: which of the rule's `match` each is; undefined for a rule without any. */
  readonly indices: readonly (number | undefined)[];
  /** What the rule does, to compare: rules that do the same hide nothing. */
  readonly action: string;
}

const SEGMENT_ROUTES = /^(ingress|gateway)$/;

/** Rules are compared with others of the same kind only: the protocol of a port decides which kind it asks. */
export const RULE_KINDS = ["http", "tls", "tcp"] as const;
export type RuleKind = (typeof RULE_KINDS)[number];

/** The rules of a kind of a VirtualService in their order, each match at each gateway that is in `gateways` (default: all). */
export function comparedRules(
  sets: RequestSets,
  service: ResolvedVirtualService,
  kind: RuleKind,
  gateways: readonly string[] = service.gateways,
): readonly ComparedRule[] {
  const semantics = service.object.metadata.annotations["internal.istio.io/route-semantics"] ?? "";
  const scope = { gateways, segments: SEGMENT_ROUTES.test(semantics) };
  const setOf = (match: HttpMatch | TlsMatch | TcpMatch | undefined) =>
    kind === "http" ? matchSet(sets, match as HttpMatch | undefined, scope) : connectionSet(sets, match, gateways);
  const rules: readonly ComparedRule["placed"][] = service[kind];
  return rules.map((placed): ComparedRule => {
    const given = placed.rule.match?.length ? placed.rule.match.entries() : [[undefined, undefined] as const];
    const matches: RequestSet[] = [];
    const indices: (number | undefined)[] = [];
    let complete = true;
    for (const [index, match] of given)
      try {
        matches.push(setOf(match));
        indices.push(index);
      } catch (error) {
        if (!(error instanceof Undecided)) throw error;
        complete = false;
      }
    const { match: _, ...action } = placed.rule;
    return { placed, service, matches, indices, complete, action: JSON.stringify({ ...action, name: undefined }) };
  });
}

/** Where gateways join VirtualServices of one host: what takes everything goes behind all else, otherwise older ones first. */
export function joinedRules(services: readonly (readonly ComparedRule[])[]): readonly ComparedRule[] {
  const all = services.flat();
  const last = all.map((rule) => pick(rule, takesEverything));
  return [...all.map((rule) => pick(rule, (match) => !takesEverything(match))), ...last].filter(
    ({ matches, complete }) => matches.length > 0 || !complete,
  );
}

/** By its form, as Istio's `IsCatchAllRoute` has it. */
function takesEverything(match: HttpMatch | undefined): boolean {
  if (!match) return true;
  const { uri, method, scheme, authority, headers, withoutHeaders, queryParams } = match;
  const named = [headers, withoutHeaders, queryParams].some((one) => Object.keys(one ?? {}).length > 0);
  const everyPath = uri === undefined || Object.keys(uri).length === 0 || uri.prefix === "/" || uri.regex === ".*";
  return everyPath && !named && !method && !scheme && !authority;
}

function pick(rule: ComparedRule, wanted: (match: HttpMatch | undefined) => boolean): ComparedRule {
  const { match } = rule.placed.rule as HttpRoute;
  const matchAt = (index: number | undefined) => (index === undefined ? undefined : match?.[index]);
  const chosen = [...rule.indices.keys()].filter((at) => wanted(matchAt(rule.indices[at])));
  return {
    ...rule,
    matches: chosen.flatMap((at) => rule.matches[at] ?? []),
    indices: chosen.map((at) => rule.indices[at]),
  };
}
