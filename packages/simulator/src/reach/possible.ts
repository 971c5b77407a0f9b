import type { HttpRbac, NetworkRbac, Permission, Principal, RbacRules } from "../envoy.ts";
import { stringTest } from "../match/string-test.ts";

/**
 * What is known of a connection before any request is: the peer's name (undefined: none is shown), the port, and whether HTTP is
 * read. The rest (path, headers, claims, addresses) is whatever the client likes.
 */
export interface Known {
  readonly peer: string | undefined;
  /** The peer may be anybody; `peer` says nothing. */
  readonly anybody?: boolean;
  readonly port: number;
  readonly http: boolean;
}

/** True or false whatever the request; undefined: it depends on the request. */
type Possible = boolean | undefined;

const all = (parts: readonly Possible[]): Possible =>
  parts.includes(false) ? false : parts.includes(undefined) ? undefined : true;
const any = (parts: readonly Possible[]): Possible =>
  parts.includes(true) ? true : parts.includes(undefined) ? undefined : false;
const not = (part: Possible): Possible => (part === undefined ? undefined : !part);

function permission(given: Permission, known: Known): Possible {
  if (given.any) return true;
  if (given.andRules) return all((given.andRules.rules ?? []).map((one) => permission(one, known)));
  if (given.orRules) return any((given.orRules.rules ?? []).map((one) => permission(one, known)));
  if (given.notRule) return not(permission(given.notRule, known));
  if (given.destinationPort !== undefined) return given.destinationPort === known.port;
  if (given.destinationPortRange) {
    const { start = 0, end = 0 } = given.destinationPortRange;
    return known.port >= start && known.port < end;
  }
  if ((given.header || given.urlPath || given.uriTemplate || given.metadata) && !known.http) return false;
  return undefined;
}

function principal(given: Principal, known: Known): Possible {
  if (given.any) return true;
  if (given.andIds) return all((given.andIds.ids ?? []).map((one) => principal(one, known)));
  if (given.orIds) return any((given.orIds.ids ?? []).map((one) => principal(one, known)));
  if (given.notId) return not(principal(given.notId, known));
  const name =
    given.authenticated?.principalName ??
    (given.filterState?.key === "io.istio.peer_principal" ? given.filterState.stringMatch : undefined);
  if ((name || given.authenticated) && known.anybody) return undefined;
  if (name) return known.peer !== undefined && stringTest(name).matches(known.peer);
  if (given.authenticated) return known.peer !== undefined;
  if ((given.header || given.urlPath || given.metadata) && !known.http) return false;
  return undefined;
}

/** The policies of the rules that hold for some request, and those that hold for every one. */
export function possiblePolicies(
  rules: RbacRules,
  known: Known,
): { readonly some: readonly string[]; readonly every: readonly string[] } {
  const judged = Object.entries(rules.policies ?? {}).map(([name, { permissions = [], principals = [] }]) => ({
    name,
    holds: all([
      any(permissions.map((one) => permission(one, known))),
      any(principals.map((one) => principal(one, known))),
    ]),
  }));
  return {
    some: judged.filter(({ holds }) => holds !== false).map(({ name }) => name),
    every: judged.filter(({ holds }) => holds === true).map(({ name }) => name),
  };
}

/**
 * Why filters let no request through, whatever it says; undefined where some request may pass. Sound: what it proves holds for
 * all requests. It takes what is not simulated as letting requests through.
 */
export function proofOfDenial(filters: readonly (HttpRbac | NetworkRbac)[], known: Known): string | undefined {
  for (const { rules } of filters) {
    if (!rules) continue;
    const { some, every } = possiblePolicies(rules, known);
    const [denies] = every;
    if (rules.action === "DENY" && denies !== undefined) return `${denies} denies every request`;
    if ((rules.action ?? "ALLOW") === "ALLOW" && some.length === 0) {
      const names = Object.keys(rules.policies ?? {});
      return names.length === 0
        ? "there is a policy that allows nothing"
        : `none of what is allowed can hold: ${names.join(", ")}`;
    }
  }
  return undefined;
}
