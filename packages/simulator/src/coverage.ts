import type { Mesh } from "@fairlead/mesh";
import type { ObjectRef, Position } from "@fairlead/model";
import { formatObject } from "@fairlead/model";
import type { Answer } from "./answer.ts";
import { positionsOf } from "./mesh/positions.ts";

/** An HTTP rule of a VirtualService, and whether a request reached it. */
export interface CoveredRule {
  /** `VirtualService default/reviews` */
  readonly object: string;
  /** `spec.http[0]` */
  readonly path: string;
  readonly position?: Position;
  readonly reached: boolean;
}

/** The HTTP rules of a mesh's VirtualServices, and what answers reached of them. */
export interface RouteCoverage {
  /** Counts an answer of `evaluate` on the mesh. */
  add(answer: Answer): void;
  rules(): readonly CoveredRule[];
  /** Of all rules, 0 to 1; 1 where there is none. */
  share(): number;
}

const RULE = /^spec\.http\[\d+\]/;

/**
 * Which HTTP rules of VirtualServices no evaluated request reached. Rules that only delegate are counted where they lead; rules of
 * TCP and TLS are not counted, since filter chains do not say which rule they are made from.
 */
export function routeCoverage(mesh: Mesh): RouteCoverage {
  const reached = new Set<string>();
  const locate = positionsOf(mesh);
  const rules = () =>
    rulesOf(mesh).map(({ ref, path }): CoveredRule => {
      const object = formatObject(ref);
      const position = locate?.(ref, path);
      return { object, path, reached: reached.has(`${object} ${path}`), ...(position && { position }) };
    });
  return {
    add({ trace }) {
      for (const { matched, source } of trace) {
        const [path] = RULE.exec(source?.path ?? "") ?? [];
        if (matched && source && path !== undefined) reached.add(`${source.object} ${path}`);
      }
    },
    rules,
    share() {
      const all = rules();
      return all.length === 0 ? 1 : all.filter((rule) => rule.reached).length / all.length;
    },
  };
}

function rulesOf(mesh: Mesh): readonly { readonly ref: ObjectRef; readonly path: string }[] {
  return [...mesh.objects("VirtualService")].flatMap(({ metadata: { namespace, name }, spec }) => {
    const ref: ObjectRef = { kind: "VirtualService", namespace, name };
    return (spec.http ?? []).flatMap(({ delegate }, index) => (delegate ? [] : [{ ref, path: `spec.http[${index}]` }]));
  });
}
