import { resolveShortHost } from "@fairlead/model";
import { records, text, texts } from "./json.ts";
import type { Resource } from "./resource.ts";
import type { ResourceIndex } from "./resource-index.ts";
import type { World } from "./world.ts";

/** A host that something in the input defines, and its ports. */
export interface KnownHost {
  readonly ports: readonly number[];
  /** Labels that select its workloads. */
  readonly selector: Readonly<Record<string, string>>;
}

/** The scope of all namespaces. */
const ALL = "*";

export function exportScopes(exportTo: readonly string[], namespace: string): readonly string[] {
  if (exportTo.length === 0 || exportTo.includes(ALL)) return [ALL];
  return [...new Set(exportTo.map((scope) => (scope === "." ? namespace : scope)))];
}

const DEFINING = ["Service", "ServiceEntry"];

/** What defines a host, by `scope/host`; a scope is `*` or a namespace. */
const BY_HOST: ResourceIndex = {
  name: "hosts",
  kinds: DEFINING,
  *keys(resource) {
    for (const scope of scopesOf(resource)) for (const host of hostsOf(resource)) yield `${scope}/${host}`;
  },
};

/** What defines a host that is a wildcard, by scope. */
const BY_WILDCARD: ResourceIndex = {
  name: "wildcard hosts",
  kinds: DEFINING,
  keys: (resource) => (hostsOf(resource).some((host) => host.startsWith("*")) ? scopesOf(resource) : []),
};

export const HOST_INDEXES: readonly ResourceIndex[] = [BY_HOST, BY_WILDCARD];

function scopesOf({ kind, ref, spec, annotations }: Resource): readonly string[] {
  if (kind === "ServiceEntry") return exportScopes(texts(spec.exportTo), ref.namespace);
  const exportTo = text(annotations["networking.istio.io/exportTo"])
    .split(",")
    .map((scope) => scope.trim())
    .filter(Boolean);
  return exportTo.length === 0 ? [ALL] : exportTo.map((scope) => (scope === "." ? ref.namespace : scope));
}

function hostsOf({ kind, ref, spec }: Resource): readonly string[] {
  if (kind === "Service") return [fullHost(ref.name, ref.namespace)];
  return texts(spec.hosts).map((host) => fullHost(host, ref.namespace));
}

function knownHost({ kind, spec }: Resource): KnownHost {
  if (kind === "Service") return { ports: records(spec.ports).map(({ port }) => Number(port)), selector: {} };
  const selector = (spec.workloadSelector as { labels?: Record<string, string> } | undefined)?.labels ?? {};
  return { ports: records(spec.ports).map(({ number }) => Number(number)), selector };
}

export function fullHost(host: string, namespace: string): string {
  return resolveShortHost(host, namespace);
}

/** The definition of a host that an object in `namespace`, exported to `exportTo`, names: a Service before a ServiceEntry. */
export function findHost(
  world: World,
  namespace: string,
  exportTo: readonly string[],
  host: string,
): KnownHost | undefined {
  const full = fullHost(host, namespace);
  const scopes = exportTo.length === 0 ? [namespace] : exportTo.map((scope) => (scope === "." ? namespace : scope));
  for (const scope of [ALL, ...scopes]) {
    const defining = world.under(BY_HOST, `${scope}/${full}`);
    const found = defining.find(({ kind }) => kind === "Service") ?? defining.at(-1);
    if (found) return knownHost(found);
  }
  const ending = host.replace(/^\*/, "");
  for (const scope of [ALL, namespace])
    for (const resource of world.under(BY_WILDCARD, scope))
      if (hostsOf(resource).some((known) => known.startsWith("*") && ending.endsWith(known.slice(1))))
        return knownHost(resource);
  return undefined;
}
