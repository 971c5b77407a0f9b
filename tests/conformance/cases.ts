import { type NodeJson, type ProxyNode, parseNode } from "@fairlead/model";
import { conformanceFolders, conformanceJson } from "./conformance-data.ts";
import type { ResourceType } from "./normalise.ts";

export interface ProxyCase {
  readonly proxy: string;
  readonly node: ProxyNode;
  /** Resources by name, per type that was asked for. */
  readonly expected: Readonly<Partial<Record<ResourceType, ReadonlyMap<string, object>>>>;
}

export interface XdsCase {
  readonly name: string;
  readonly folder: string;
  readonly about: string;
  readonly proxies: readonly ProxyCase[];
}

const FILES: readonly (readonly [type: ResourceType, file: string, name: (resource: never) => string])[] = [
  ["clusters", "cds", (resource: { name: string }) => resource.name],
  ["endpoints", "eds", (resource: { clusterName: string }) => resource.clusterName],
  ["listeners", "lds", (resource: { name: string }) => resource.name],
  ["routes", "rds", (resource: { name: string }) => resource.name],
  ["extensions", "ecds", (resource: { name: string }) => resource.name],
  ["nameTables", "nds", () => ""],
];

export function xdsCases(): readonly XdsCase[] {
  return conformanceFolders("xds").map(xdsCase);
}

function xdsCase(name: string): XdsCase {
  const folder = `xds/${name}`;
  const about = conformanceJson<{ about: string; proxies: readonly string[] }>(`${folder}/case.json`);
  return {
    name,
    folder,
    about: about?.about ?? "",
    proxies: (about?.proxies ?? []).map((proxy) => proxyCase(folder, proxy)),
  };
}

function proxyCase(folder: string, proxy: string): ProxyCase {
  const { node, diagnostics } = parseNode(conformanceJson<NodeJson>(`${folder}/proxies/${proxy}.json`) ?? {});
  if (!node)
    throw new Error(`${folder}/proxies/${proxy}.json: ${diagnostics.map(({ message }) => message).join("; ")}`);
  const expected: Partial<Record<ResourceType, ReadonlyMap<string, object>>> = {};
  for (const [type, file, nameOf] of FILES) {
    const resources = conformanceJson<readonly object[]>(`${folder}/expected/${proxy}/${file}.json`);
    if (resources) expected[type] = new Map(resources.map((resource) => [nameOf(resource as never), resource]));
  }
  return { proxy, node, expected };
}
