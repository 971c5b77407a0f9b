import type { Mesh } from "@fairlead/mesh";
import type { ObjectRef, Position } from "@fairlead/model";
import { formatObject } from "@fairlead/model";
import type { Answer } from "./answer.ts";
import { NO_MATCH } from "./filter/rbac.ts";
import { positionsOf } from "./mesh/positions.ts";

/** A rule of a VirtualService or an AuthorizationPolicy, and whether a request reached it. */
export interface CoveredRule {
  /** `VirtualService default/reviews` */
  readonly object: string;
  /** `spec.http[0]`, `spec.tls[0]`, `spec.tcp[0]`, `spec.rules[0]` */
  readonly path: string;
  readonly position?: Position;
  readonly reached: boolean;
}

/** The rules of a mesh, and what answers reached of them. */
export interface RouteCoverage {
  /** Counts an answer of `evaluate` on the mesh. */
  add(answer: Answer): void;
  /** Of VirtualServices: for HTTP, TLS and TCP. */
  rules(): readonly CoveredRule[];
  /** Of AuthorizationPolicies: those that decided about a request. */
  policies(): readonly CoveredRule[];
  /** Of the rules of VirtualServices, 0 to 1; 1 where there is none. */
  share(): number;
}

const RULE = /^spec\.(?:http|tls|tcp|rules)\[\d+\]/;

/**
 * Which rules of VirtualServices and AuthorizationPolicies no evaluated request reached. Rules that only delegate are counted where
 * they lead; policies that leave the decision to somebody else, or only log, are not counted.
 */
export function routeCoverage(mesh: Mesh): RouteCoverage {
  const reached = new Set<string>();
  const locate = positionsOf(mesh);
  const covered = (list: readonly Rule[]) =>
    list.map(({ ref, path }): CoveredRule => {
      const object = formatObject(ref);
      const position = locate?.(ref, path);
      return { object, path, reached: reached.has(`${object} ${path}`), ...(position && { position }) };
    });
  const rules = () => covered(routeRules(mesh));
  return {
    add({ trace }) {
      for (const { matched, reason, step, source } of trace) {
        const [path] = RULE.exec(source?.path ?? "") ?? [];
        // A policy that denies has been reached as well.
        const took = /rbac (allow|deny)$/.test(step) ? !reason.startsWith(NO_MATCH) : matched;
        if (took && source && path !== undefined) reached.add(`${source.object} ${path}`);
      }
    },
    rules,
    policies: () => covered(policyRules(mesh)),
    share() {
      const all = rules();
      return all.length === 0 ? 1 : all.filter((rule) => rule.reached).length / all.length;
    },
  };
}

interface Rule {
  readonly ref: ObjectRef;
  readonly path: string;
}

function routeRules(mesh: Mesh): readonly Rule[] {
  return [...mesh.objects("VirtualService")].flatMap(({ metadata: { namespace, name }, spec }) => {
    const ref: ObjectRef = { kind: "VirtualService", namespace, name };
    const at = (field: string) => (_: unknown, index: number) => ({ ref, path: `spec.${field}[${index}]` });
    const http = (spec.http ?? []).flatMap(({ delegate }, index) => (delegate ? [] : [at("http")(undefined, index)]));
    return [...http, ...(spec.tls ?? []).map(at("tls")), ...(spec.tcp ?? []).map(at("tcp"))];
  });
}

function policyRules(mesh: Mesh): readonly Rule[] {
  return [...mesh.objects("AuthorizationPolicy")].flatMap(({ metadata: { namespace, name }, spec }) => {
    if (spec.action === "CUSTOM" || spec.action === "AUDIT") return [];
    const ref: ObjectRef = { kind: "AuthorizationPolicy", namespace, name };
    return (spec.rules ?? []).map((_, index) => ({ ref, path: `spec.rules[${index}]` }));
  });
}
