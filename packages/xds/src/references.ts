/** A name that a resource uses and that does not exist. Types by their short names (`RDS`). */
export interface DanglingReference {
  readonly from: { readonly type: string; readonly name: string };
  /** The field, as `virtualHosts[0].routes[1].route.cluster`. */
  readonly path: string;
  readonly to: { readonly type: string; readonly name: string };
}

/** A name that a resource uses. */
export interface Reference {
  readonly path: string;
  readonly type: string;
  readonly name: string;
}

type Json = Record<string, unknown>;

/** What an object refers to, by the fields that it has: Envoy uses the same ones wherever a cluster or route is named. */
const RULES: readonly ((json: Json) => readonly (Omit<Reference, "path"> & { readonly field: string })[])[] = [
  // RouteAction, RequestMirrorPolicy, TcpProxy, GrpcService.EnvoyGrpc, HttpUri
  (json) => cluster(json, "cluster"),
  (json) => cluster(json, "clusterName", (owner) => !("lbEndpoints" in owner) && !("endpoints" in owner)),
  (json) =>
    isJson(json.rds) && typeof json.rds.routeConfigName === "string"
      ? [{ field: "rds.routeConfigName", type: "RDS", name: json.rds.routeConfigName }]
      : [],
  (json) =>
    isJson(json.configDiscovery) && typeof json.name === "string"
      ? [{ field: "configDiscovery", type: "ECDS", name: json.name }]
      : [],
  (json) =>
    typeof json.routeConfigurationName === "string"
      ? [{ field: "routeConfigurationName", type: "RDS", name: json.routeConfigurationName }]
      : [],
  (json) =>
    isJson(json.sdsConfig) && isJson(json.sdsConfig.ads) && typeof json.name === "string"
      ? [{ field: "sdsConfig", type: "SDS", name: json.name }]
      : [],
];

function cluster(json: Json, field: string, applies: (json: Json) => boolean = () => true) {
  const name = json[field];
  return typeof name === "string" && name !== "" && applies(json) ? [{ field, type: "CDS", name }] : [];
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** All references of a resource, `type` being its short type name. Structs (metadata, TypedStruct) are not searched. */
export function references(type: string, resource: object): readonly Reference[] {
  const found: Reference[] = [];
  const json = resource as Json;
  if (type === "EDS") return found;
  if (type === "CDS" && json.type === "EDS") {
    const config = isJson(json.edsClusterConfig) ? json.edsClusterConfig : {};
    const name = typeof config.serviceName === "string" && config.serviceName !== "" ? config.serviceName : json.name;
    if (typeof name === "string") found.push({ path: "edsClusterConfig", type: "EDS", name });
  }
  const visit = (value: unknown, path: string) => {
    if (Array.isArray(value)) for (const [index, item] of value.entries()) visit(item, `${path}[${index}]`);
    if (!isJson(value)) return;
    const join = (field: string) => (path === "" ? field : `${path}.${field}`);
    for (const rule of RULES) for (const { field, ...to } of rule(value)) found.push({ path: join(field), ...to });
    // WeightedCluster.clusters and TcpProxy.weightedClusters.clusters name their clusters `name`.
    const weighted = isJson(value.weightedClusters) ? value.weightedClusters.clusters : undefined;
    if (Array.isArray(weighted))
      for (const [index, item] of weighted.entries())
        if (isJson(item) && typeof item.name === "string" && item.name !== "")
          found.push({ path: join(`weightedClusters.clusters[${index}].name`), type: "CDS", name: item.name });
    for (const [key, item] of Object.entries(value))
      if (key !== "filterMetadata" && !isStruct(value, key)) visit(item, join(key));
  };
  visit(json, "");
  return found;
}

function isStruct(owner: Json, key: string): boolean {
  return key === "value" && typeof owner["@type"] === "string" && owner["@type"].endsWith(".TypedStruct");
}

/** The references among resources, by short type name and resource name, that lead nowhere. */
export function dangling(resources: ReadonlyMap<string, ReadonlyMap<string, object>>): readonly DanglingReference[] {
  const result: DanglingReference[] = [];
  for (const [type, byName] of resources)
    for (const [name, json] of byName)
      for (const { path, type: toType, name: toName } of references(type, json))
        if (!resources.get(toType)?.has(toName))
          result.push({ from: { type, name }, path, to: { type: toType, name: toName } });
  return result;
}
