import type { HttpMatch, HttpRoute } from "@fairlead/config";
import type { Placed, ResolvedVirtualService } from "@fairlead/mesh";
import { Undecided } from "./language.ts";
import { matchSet } from "./match-set.ts";
import type { RequestSet, RequestSets } from "./request-set.ts";
import type { RuleSets } from "./shadowing.ts";

/** A rule of a VirtualService with the requests it matches. */
export interface ComparedRule extends RuleSets {
  readonly placed: Placed<HttpRoute>;
  readonly service: ResolvedVirtualService;
  /** Of `matches`: which of the rule's `match` each is; undefined for a rule without any. */
  readonly indices: readonly (number | undefined)[];
  /** What the rule does, to compare: rules that do the same hide nothing. */
  readonly action: string;
}

const SEGMENT_ROUTES = /^(ingress|gateway)$/;

/** The rules of a VirtualService in their order, each match at each gateway that is in `gateways` (default: all). */
export function comparedRules(
  sets: RequestSets,
  service: ResolvedVirtualService,
  gateways: readonly string[] = service.gateways,
): readonly ComparedRule[] {
  const semantics = service.object.metadata.annotations["internal.istio.io/route-semantics"] ?? "";
  const scope = { gateways, segments: SEGMENT_ROUTES.test(semantics) };
  return service.http.map((placed): ComparedRule => {
    const given = placed.rule.match?.length ? placed.rule.match.entries() : [[undefined, undefined] as const];
    const matches: RequestSet[] = [];
    const indices: (number | undefined)[] = [];
    let complete = true;
    for (const [index, match] of given)
      try {
        matches.push(matchSet(sets, match, scope));
        indices.push(index);
      } catch (error) {
        if (!(error instanceof Undecided)) throw error;
        complete = false;
      }
    const { match: _, name: __, ...action } = placed.rule;
    return { placed, service, matches, indices, complete, action: JSON.stringify(action) };
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
  const matchAt = (index: number | undefined) => (index === undefined ? undefined : rule.placed.rule.match?.[index]);
  const chosen = [...rule.indices.keys()].filter((at) => wanted(matchAt(rule.indices[at])));
  return {
    ...rule,
    matches: chosen.flatMap((at) => rule.matches[at] ?? []),
    indices: chosen.map((at) => rule.indices[at]),
  };
}
