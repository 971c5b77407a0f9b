import { translate } from "@fairlead/xds/translate";
import { type ProxyCase, xdsCases } from "./cases.ts";
import { type Difference, differences } from "./difference.ts";
import { loadMesh } from "./load-mesh.ts";
import { normalise, normaliseName, RESOURCE_TYPES, type ResourceType, type Side } from "./normalise.ts";

/** How our resources of one type compare with istiod's for one proxy of a case. */
export interface Comparison {
  /** `case/proxy/type` */
  readonly id: string;
  readonly case: string;
  readonly type: ResourceType;
  readonly differences: readonly Difference[];
  /** Resources expected and made that are equal, and that were expected. */
  readonly equal: number;
  readonly expected: number;
}

export interface Agreement {
  readonly comparisons: readonly Comparison[];
}

/** Runs all cases (or one) and compares every resource. */
export async function compareCases(only?: string): Promise<Agreement> {
  const comparisons: Comparison[] = [];
  for (const one of xdsCases()) {
    if (only !== undefined && one.name !== only) continue;
    const mesh = await loadMesh(one.folder);
    for (const proxy of one.proxies) {
      const made = translate(mesh, proxy.node);
      for (const type of RESOURCE_TYPES)
        if (proxy.expected[type]) comparisons.push(compare(one.name, proxy, type, made[type]));
    }
  }
  return { comparisons };
}

function compare(
  name: string,
  { proxy, expected }: ProxyCase,
  type: ResourceType,
  made: readonly { readonly name: string; readonly resource: object }[],
): Comparison {
  const named = (resource: string, side: Side) => normaliseName(resource, type, side, name);
  const wanted = new Map([...(expected[type] ?? [])].map(([of, resource]) => [named(of, "expected"), resource]));
  // A client asks by name for routes and endpoints, so only these were recorded.
  const byName = type === "routes" || type === "endpoints" || type === "extensions";
  const ours = new Map(
    made
      .map((one) => [named(one.name, "actual"), one.resource] as const)
      .filter(([resource]) => !byName || wanted.has(resource)),
  );
  const found: Difference[] = [];
  let equal = 0;
  for (const resource of new Set([...wanted.keys(), ...ours.keys()])) {
    const there = wanted.get(resource);
    const here = ours.get(resource);
    const different = differences(
      there && normalise(there, type, "expected", name),
      here && normalise(here, type, "actual", name),
      `[${resource}]`,
    );
    if (different.length === 0) equal++;
    found.push(...different);
  }
  return { id: `${name}/${proxy}/${type}`, case: name, type, differences: found, equal, expected: wanted.size };
}

/** One row a type: lists compared and equal, resources expected and equal. */
export function agreementTable({ comparisons }: Agreement): string {
  const rows = RESOURCE_TYPES.map((type) => {
    const of = comparisons.filter((comparison) => comparison.type === type);
    const sum = (count: (comparison: Comparison) => number) => of.reduce((total, one) => total + count(one), 0);
    const equal = of.filter((comparison) => comparison.differences.length === 0).length;
    return [type, of.length, equal, sum((one) => one.expected), sum((one) => one.equal)];
  });
  const header = ["type", "lists", "equal", "resources", "equal"];
  return [header, ...rows].map((row) => row.map((cell) => String(cell).padEnd(11)).join("")).join("\n");
}
