import type { AuthorizationRule } from "@fairlead/config";
import type { Permission, Policy, Principal } from "../../proto/types.ts";
import {
  type Asked,
  type Clause,
  OPERATION_CONDITIONS,
  type Protocol,
  permissionCondition,
  principalCondition,
  SOURCE_CONDITIONS,
} from "./conditions.ts";
import { expandTrustDomains, withTrustDomainAliases } from "./trust-domains.ts";

export interface RuleContext {
  readonly protocol: Protocol;
  readonly namespace: string;
  /** The mesh's own first, then its aliases. */
  readonly trustDomains: readonly string[];
  /**
   * Whether a question that cannot be asked makes the rule void. So it does where rules allow; where they deny, the rest
   * of the rule still holds, and denies more.
   */
  readonly strict: boolean;
  readonly report: (path: string, problem: string) => void;
}

/** One rule as Envoy takes it; undefined (and reported) when it is void. Source: Istio API, `AuthorizationPolicy.Rule`. */
export function rbacPolicy(rule: AuthorizationRule, context: RuleContext): Policy | undefined {
  const clauses = clausesOf(rule, context);
  if (!clauses) return undefined;
  const permissions = clauses.operations.map((list) => questions(list, context, PERMISSION));
  const principals = clauses.sources.map((list) => questions(list, context, PRINCIPAL));
  if (permissions.includes(undefined) || principals.includes(undefined)) return undefined;
  return {
    permissions: permissions.filter((one) => one !== undefined),
    principals: principals.filter((one) => one !== undefined),
  };
}

interface Clauses {
  /** One list a `to`, one list a `from`; all clauses of a list must hold. */
  readonly operations: readonly (readonly Clause<Permission>[])[];
  readonly sources: readonly (readonly Clause<Principal>[])[];
}

const some = (values: readonly string[], notValues: readonly string[]) => values.length > 0 || notValues.length > 0;

function clausesOf(rule: AuthorizationRule, context: RuleContext): Clauses | undefined {
  const what: Clause<Permission>[] = [];
  const who: Clause<Principal>[] = [];
  for (const [index, { key, values = [], notValues = [] }] of (rule.when ?? []).entries()) {
    const path = `when[${index}]`;
    const permission = permissionCondition(key);
    const principal = principalCondition(key);
    if (!permission && !principal) {
      context.report(`${path}.key`, `${JSON.stringify(key)} is not known: the rule has no effect`);
      return undefined;
    }
    if (!some(values, notValues)) continue;
    if (permission) what.push({ key, condition: permission, values, notValues, path });
    else if (principal) {
      const [condition, aliases] = principal;
      who.push({ key, condition, values, notValues, path, ...(aliases ? { aliases } : {}) });
    }
  }
  const sources = (rule.from ?? []).map(({ source = {} }, index) => [
    ...SOURCE_CONDITIONS.flatMap(([key, condition, field, notField, aliases]): Clause<Principal>[] => {
      const values = source[field] ?? [];
      const notValues = source[notField] ?? [];
      const path = `from[${index}].source.${field}`;
      return some(values, notValues)
        ? [{ key, condition, values, notValues, path, ...(aliases ? { aliases } : {}) }]
        : [];
    }),
    ...who,
  ]);
  const operations = (rule.to ?? []).map(({ operation = {} }, index) => [
    ...OPERATION_CONDITIONS.flatMap(([key, condition, field, notField]): Clause<Permission>[] => {
      const values = operation[field] ?? [];
      const notValues = operation[notField] ?? [];
      return some(values, notValues)
        ? [{ key, condition, values, notValues, path: `to[${index}].operation.${field}` }]
        : [];
    }),
    ...what,
  ]);
  return {
    operations: operations.length > 0 ? operations : [what],
    sources: sources.length > 0 ? sources : [who],
  };
}

interface Logic<R> {
  readonly any: R;
  and(rules: R[]): R;
  or(rules: R[]): R;
  not(rule: R): R;
}

const PERMISSION: Logic<Permission> = {
  any: { any: true },
  and: (rules) => ({ andRules: { rules } }),
  or: (rules) => ({ orRules: { rules } }),
  not: (notRule) => ({ notRule }),
};

const PRINCIPAL: Logic<Principal> = {
  any: { any: true },
  and: (ids) => ({ andIds: { ids } }),
  or: (ids) => ({ orIds: { ids } }),
  not: (notId) => ({ notId }),
};

/** All clauses together; undefined when one of them makes the rule void. */
function questions<R>(clauses: readonly Clause<R>[], context: RuleContext, logic: Logic<R>): R | undefined {
  const asked: R[] = [];
  for (const clause of clauses)
    for (const [values, negated] of [
      [clause.values, false],
      [clause.notValues, true],
    ] as const) {
      const found = question(clause, aliased(clause, values, context), context, logic);
      if (found === "void") return undefined;
      if (found !== undefined) asked.push(negated ? logic.not(found) : found);
    }
  return logic.and(asked.length > 0 ? asked : [logic.any]);
}

function aliased(
  { aliases }: Clause<unknown>,
  values: readonly string[],
  { trustDomains }: RuleContext,
): readonly string[] {
  if (aliases === "principals") return withTrustDomainAliases(values, trustDomains);
  return aliases === "trustDomains" ? expandTrustDomains(values, trustDomains) : values;
}

function question<R>(
  { key, condition, path }: Clause<R>,
  values: readonly string[],
  context: RuleContext,
  logic: Logic<R>,
): R | "void" | undefined {
  if (values.length === 0) return undefined;
  const about = { key, protocol: context.protocol, namespace: context.namespace };
  const all: readonly Asked<R>[] =
    "all" in condition ? [condition.all(values, about)] : values.map((value) => condition.each(value, about));
  const rules: R[] = [];
  for (const one of all)
    if (one.problem === undefined) rules.push(one.rule);
    else {
      context.report(path, one.problem);
      if (context.strict) return "void";
    }
  if (rules.length === 0) return undefined;
  const [only] = rules;
  return "all" in condition && only !== undefined ? only : logic.or(rules);
}
