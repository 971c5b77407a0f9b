import { resolveShortHost } from "@fairlead/model";
import type { Input } from "./input.ts";
import { records, text, texts } from "./json.ts";

/** A host that something in the input defines, and its ports. */
export interface KnownHost {
  readonly host: string;
  readonly ports: readonly number[];
  /** Labels that select its workloads. */
  readonly selector: Readonly<Record<string, string>>;
}

/** Hosts by scope: `*` for all namespaces, else a namespace. */
export type HostIndex = ReadonlyMap<string, KnownHost>;

const indexes = new WeakMap<Input, HostIndex>();
/** Those entries of an index whose host is a wildcard. */
const wildcards = new WeakMap<HostIndex, readonly (readonly [string, KnownHost])[]>();

export function exportScopes(exportTo: readonly string[], namespace: string): readonly string[] {
  if (exportTo.length === 0 || exportTo.includes("*")) return ["*"];
  return [...new Set(exportTo.map((scope) => (scope === "." ? namespace : scope)))];
}

/** The hosts of ServiceEntries and Services, by `scope/host`. */
export function hostIndex(input: Input): HostIndex {
  let index = indexes.get(input);
  if (index === undefined) {
    index = makeIndex(input);
    indexes.set(input, index);
    wildcards.set(
      index,
      [...index].filter(([key]) => key.includes("/*")),
    );
  }
  return index;
}

function makeIndex(input: Input): HostIndex {
  const index = new Map<string, KnownHost>();
  for (const { ref, spec } of input.of("ServiceEntry")) {
    const ports = records(spec.ports).map(({ number }) => Number(number));
    const selector = (spec.workloadSelector as { labels?: Record<string, string> } | undefined)?.labels ?? {};
    for (const host of texts(spec.hosts)) {
      const full = fullHost(host, ref.namespace);
      for (const scope of exportScopes(texts(spec.exportTo), ref.namespace))
        index.set(`${scope}/${full}`, { host: full, ports, selector });
    }
  }
  for (const { ref, spec, annotations } of input.of("Service")) {
    const host = fullHost(ref.name, ref.namespace);
    const ports = records(spec.ports).map(({ port }) => Number(port));
    const exportTo = text(annotations["networking.istio.io/exportTo"])
      .split(",")
      .map((scope) => scope.trim())
      .filter(Boolean);
    for (const scope of exportTo.length === 0 ? ["*"] : exportTo.map((one) => (one === "." ? ref.namespace : one)))
      index.set(`${scope}/${host}`, { host, ports, selector: {} });
  }
  return index;
}

export function fullHost(host: string, namespace: string): string {
  return resolveShortHost(host, namespace);
}

/** The definition of a host that an object in `namespace`, exported to `exportTo`, names. */
export function findHost(
  input: Input,
  namespace: string,
  exportTo: readonly string[],
  host: string,
): KnownHost | undefined {
  const index = hostIndex(input);
  const full = fullHost(host, namespace);
  const scopes = exportTo.length === 0 ? [namespace] : exportTo.map((scope) => (scope === "." ? namespace : scope));
  for (const scope of ["*", ...scopes]) {
    const found = index.get(`${scope}/${full}`);
    if (found) return found;
  }
  for (const [key, found] of wildcards.get(index) ?? []) {
    const slash = key.indexOf("/");
    const scope = key.slice(0, slash);
    const wildcard = key.slice(slash + 1);
    if (!wildcard.startsWith("*") || (scope !== "*" && scope !== namespace)) continue;
    if (host.replace(/^\*/, "").endsWith(wildcard.slice(1))) return found;
  }
  return undefined;
}
