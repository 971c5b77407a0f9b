import type {
  AuthorizationCondition,
  AuthorizationOperation,
  AuthorizationRule,
  AuthorizationSource,
} from "@fairlead/config";
import type { ZtunnelMatch, ZtunnelRules } from "../../proto/types.ts";
import { addressRange, port, serviceAccountMatch, stringMatch } from "./values.ts";

/** A rule as far as it is about connections. */
export interface ConnectionRule {
  /** All must hold. None: everything matches. */
  readonly rules: readonly ZtunnelRules[];
  /** What it asks beyond that, by the name of the field or attribute. */
  readonly unsupported: readonly string[];
}

type List = keyof ZtunnelMatch &
  ("namespaces" | "principals" | "serviceAccounts" | "sourceIps" | "destinationIps" | "destinationPorts");

/** How the values of each list are written; undefined for a value that cannot be. */
const WRITE: Readonly<Record<List, (value: string, namespace: string) => object | number | undefined>> = {
  namespaces: stringMatch,
  principals: stringMatch,
  serviceAccounts: serviceAccountMatch,
  sourceIps: addressRange,
  destinationIps: addressRange,
  destinationPorts: port,
};

const SOURCE_LISTS: Readonly<Partial<Record<keyof AuthorizationSource, List>>> = {
  namespaces: "namespaces",
  principals: "principals",
  serviceAccounts: "serviceAccounts",
  ipBlocks: "sourceIps",
};

const OPERATION_LISTS: Readonly<Partial<Record<keyof AuthorizationOperation, List>>> = { ports: "destinationPorts" };

const ATTRIBUTE_LISTS: Readonly<Record<string, List>> = {
  "source.namespace": "namespaces",
  "source.principal": "principals",
  "source.serviceAccount": "serviceAccounts",
  "source.ip": "sourceIps",
  "destination.ip": "destinationIps",
  "destination.port": "destinationPorts",
};

/** `ports` to `notPorts`. */
const negated = (name: string) => `not${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** One rule of an AuthorizationPolicy in `namespace`. Source: Istio API, `AuthorizationPolicy.Rule`. */
export function connectionRule(rule: AuthorizationRule, namespace: string): ConnectionRule {
  const unsupported: string[] = [];
  const lists = (values: object, known: Readonly<Record<string, List | undefined>>): ZtunnelMatch => {
    const match: Record<string, unknown> = {};
    for (const [field, given] of Object.entries(values) as [string, readonly string[]][]) {
      if (given.length === 0) continue;
      const positive = known[field];
      const list = positive ?? Object.entries(known).find(([name]) => negated(name) === field)?.[1];
      const written = list && given.map((value) => WRITE[list](value, namespace));
      if (list && written?.every((one) => one !== undefined)) match[positive ? list : negated(list)] = written;
      else unsupported.push(field);
    }
    return match;
  };
  const condition = ({ key, values = [], notValues = [] }: AuthorizationCondition): ZtunnelMatch => {
    const match = lists({ [key]: values, [negated(key)]: notValues }, { [key]: ATTRIBUTE_LISTS[key] });
    // Both lists are the same attribute.
    for (const [index, name] of unsupported.entries()) if (name === negated(key)) unsupported[index] = key;
    return match;
  };
  const to = (rule.to ?? []).map(({ operation = {} }) => lists(operation, OPERATION_LISTS));
  const from = (rule.from ?? []).map(({ source = {} }) => lists(source, SOURCE_LISTS));
  const rules = [
    ...(to.length > 0 ? [{ matches: to }] : []),
    ...(from.length > 0 ? [{ matches: from }] : []),
    ...(rule.when ?? []).map((one) => ({ matches: [condition(one)] })),
  ];
  return { rules, unsupported: [...new Set(unsupported)] };
}
