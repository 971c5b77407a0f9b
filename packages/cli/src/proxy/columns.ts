import { X509Certificate } from "node:crypto";
import type { Dumped, DumpedKind } from "@fairlead/simulator";
import { items, type Json, record, text } from "./json.ts";

export interface Columns {
  readonly headings: readonly string[];
  /** One resource may be several rows: a listener has chains, a route configuration routes. */
  rows(dumped: Dumped): readonly (readonly string[])[];
}

const shown = (value: unknown) => (value === undefined || value === "" ? "-" : String(value));

/** The object that a resource says it was made from, as `Kind namespace/name`. Source: Istio's `metadata.filter_metadata.istio.config`. */
function madeFrom({ metadata }: Json): string {
  const config = text(record(record(record(metadata).filterMetadata).istio).config);
  const [, namespace, kind, name] = /\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(config) ?? [];
  return name === undefined ? "-" : `${kind} ${namespace}/${name}`;
}

const state = ({ state: is, error }: Dumped) => (error === undefined ? is : `${is}: ${error}`);

function addressOf(value: unknown): string {
  const { socketAddress, pipe } = record(value);
  if (pipe !== undefined) return `unix:${text(record(pipe).path)}`;
  const { address, portValue } = record(socketAddress);
  return `${text(address)}:${shown(portValue ?? 0)}`;
}

/** What a filter chain leads to. */
function destinationOf(chain: Json): string {
  for (const { typedConfig } of items(chain.filters).toReversed()) {
    const { rds, routeConfig, cluster, weightedClusters } = record(typedConfig);
    if (rds !== undefined) return `Route: ${text(record(rds).routeConfigName)}`;
    if (routeConfig !== undefined) return `Inline route: ${shown(record(routeConfig).name)}`;
    if (cluster !== undefined) return `Cluster: ${text(cluster)}`;
    if (weightedClusters !== undefined)
      return `Clusters: ${items(record(weightedClusters).clusters)
        .map(({ name, weight }) => `${text(name)} (${shown(weight)})`)
        .join(", ")}`;
  }
  return "-";
}

/** What a filter chain asks of a connection. */
function chainMatch({ filterChainMatch }: Json): string {
  const { serverNames, transportProtocol, applicationProtocols, prefixRanges, destinationPort } =
    record(filterChainMatch);
  const list = (value: unknown) => (Array.isArray(value) ? value.map(String).join(",") : "");
  const ranges = items(prefixRanges).map(
    ({ addressPrefix, prefixLen }) => `${text(addressPrefix)}/${shown(prefixLen ?? 0)}`,
  );
  const parts = [
    ["Trans", text(transportProtocol)],
    ["App", list(applicationProtocols)],
    ["SNI", list(serverNames)],
    ["Addr", ranges.join(",")],
    ["Port", destinationPort === undefined ? "" : String(destinationPort)],
  ].filter(([, value]) => value !== "");
  return parts.length === 0 ? "ALL" : parts.map(([name, value]) => `${name}: ${value}`).join("; ");
}

function routeMatch(match: Json): string {
  const { path, prefix, pathSeparatedPrefix, safeRegex, headers, queryParameters } = match;
  const where =
    path !== undefined
      ? `=${text(path)}`
      : safeRegex !== undefined
        ? `~${text(record(safeRegex).regex)}`
        : pathSeparatedPrefix !== undefined
          ? `${text(pathSeparatedPrefix)}/*`
          : `${text(prefix)}*`;
  const more = [...items(headers), ...items(queryParameters)].map(({ name }) => text(name));
  return more.length === 0 ? where : `${where} (${more.join(", ")})`;
}

function routeTarget({ route, redirect, directResponse }: Json): string {
  if (redirect !== undefined) return "redirect";
  if (directResponse !== undefined) return `status ${shown(record(directResponse).status)}`;
  const { cluster, weightedClusters, clusterHeader } = record(route);
  if (cluster !== undefined) return text(cluster);
  if (clusterHeader !== undefined) return `header ${text(clusterHeader)}`;
  return items(record(weightedClusters).clusters)
    .map(({ name, weight }) => `${text(name)} (${shown(weight ?? 0)})`)
    .join(", ");
}

function secretRow({ name, resource, state: is }: Dumped): readonly string[] {
  const chain = record(record(resource.tlsCertificate).certificateChain);
  const roots = record(record(resource.validationContext).trustedCa);
  const isRoot = resource.validationContext !== undefined;
  const { inlineBytes, inlineString } = isRoot ? roots : chain;
  const pem = text(inlineString) || Buffer.from(text(inlineBytes), "base64").toString();
  const kind = isRoot ? "CA" : resource.tlsCertificate === undefined ? "other" : "Cert Chain";
  try {
    const { serialNumber, validTo, validFrom } = new X509Certificate(pem);
    const valid = Date.parse(validFrom) <= Date.now() && Date.now() < Date.parse(validTo);
    const iso = (date: string) => new Date(date).toISOString();
    return [name, kind, is, String(valid), serialNumber.toLowerCase(), iso(validTo), iso(validFrom)];
  } catch {
    return [name, kind, is, "-", "-", "-", "-"];
  }
}

/** What people are shown of a kind. */
export const COLUMNS: Readonly<Record<Exclude<DumpedKind, "bootstrap">, Columns>> = {
  clusters: {
    headings: ["SERVICE", "PORT", "SUBSET", "DIRECTION", "TYPE", "STATE", "MADE FROM"],
    rows(dumped) {
      const [direction, port, subset, host] = dumped.name.split("|");
      const named =
        host === undefined ? [dumped.name, "-", "-", "-"] : [host, shown(port), shown(subset), shown(direction)];
      const type = text(record(dumped.resource.clusterType).name) || text(dumped.resource.type) || "STATIC";
      return [[...named, type, state(dumped), madeFrom(dumped.resource)]];
    },
  },
  listeners: {
    headings: ["NAME", "ADDRESS", "STATE", "MATCH", "DESTINATION"],
    rows(dumped) {
      const { resource } = dumped;
      const last = resource.defaultFilterChain === undefined ? [] : [record(resource.defaultFilterChain)];
      const chains = [...items(resource.filterChains), ...last];
      const place = [dumped.name, addressOf(resource.address), state(dumped)];
      return chains.length === 0
        ? [[...place, "-", "-"]]
        : chains.map((chain) => [...place, chainMatch(chain), destinationOf(chain)]);
    },
  },
  routes: {
    headings: ["NAME", "VIRTUAL HOST", "DOMAINS", "MATCH", "TO", "MADE FROM"],
    rows: ({ name, resource }) =>
      items(resource.virtualHosts).flatMap((host) => {
        const domains = (Array.isArray(host.domains) ? host.domains : []).map(String);
        const told =
          domains.length > 2 ? `${domains.slice(0, 2).join(", ")} + ${domains.length - 2} more` : domains.join(", ");
        return items(host.routes).map((route) => [
          shown(name),
          text(host.name),
          told,
          routeMatch(record(route.match)),
          routeTarget(route),
          madeFrom(route),
        ]);
      }),
  },
  endpoints: {
    headings: ["ENDPOINT", "HEALTH", "WEIGHT", "PRIORITY", "LOCALITY", "CLUSTER"],
    rows: ({ name, resource }) =>
      items(resource.endpoints).flatMap(({ locality, priority, lbEndpoints }) => {
        const { region, zone, subZone } = record(locality);
        const place = [region, zone, subZone].map(text).filter(Boolean).join("/");
        return items(lbEndpoints).map(({ endpoint, healthStatus, loadBalancingWeight }) => [
          addressOf(record(endpoint).address),
          shown(healthStatus),
          shown(loadBalancingWeight),
          shown(priority ?? 0),
          shown(place),
          name,
        ]);
      }),
  },
  secrets: {
    headings: ["NAME", "TYPE", "STATE", "VALID", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE"],
    rows: (dumped) => [secretRow(dumped)],
  },
  extensions: {
    headings: ["NAME", "TYPE", "STATE"],
    rows: (dumped) => [
      [dumped.name, text(record(dumped.resource.typedConfig)["@type"]).replace(/^.*\//, ""), state(dumped)],
    ],
  },
};
