import type { Endpoint, Labels, Locality, Service, ServicePort } from "@fairlead/model";
import { parseProtocol } from "@fairlead/model";
import { instanceLabels, type Placement } from "../instance-labels.ts";
import { isIpAddress } from "../ip-address.ts";

/** An entry of `/v1/health/service/:name`, as far as it is read. Source: Consul HTTP API, "Health". */
export interface ConsulEntry {
  readonly Node?: { readonly Node?: string; readonly Address?: string; readonly Datacenter?: string };
  readonly Service?: {
    readonly ID?: string;
    readonly Service?: string;
    readonly Kind?: string;
    readonly Address?: string;
    readonly Port?: number;
    readonly Tags?: readonly string[] | null;
    readonly Meta?: Readonly<Record<string, string>> | null;
    readonly Weights?: { readonly Passing?: number; readonly Warning?: number };
    readonly Locality?: { readonly Region?: string; readonly Zone?: string } | null;
  };
  readonly Checks?: readonly { readonly Status?: string }[] | null;
}

export interface ConsulNaming extends Placement {
  readonly namespace: string;
  hostname(service: string): string;
  /** What clients dial for every service; absent: the instances' own numbers. */
  readonly servicePort: number | undefined;
}

export interface ConsulService {
  readonly service: Service;
  readonly endpoints: readonly Endpoint[];
}

/**
 * A Consul service and its instances; undefined when it has none (proxies registered beside services are not counted).
 * Each distinct port number of the instances is a port of the service, its protocol the instances' meta `protocol`, unless
 * `servicePort` puts all behind one. Instances with a critical check are left out.
 */
export function consulService(
  name: string,
  entries: readonly ConsulEntry[],
  naming: ConsulNaming,
): ConsulService | undefined {
  const instances = entries.filter(({ Service: one }) => !one?.Kind).sort(byId);
  if (instances.length === 0) return undefined;
  const ports = new Map<number, ServicePort>();
  for (const instance of instances) {
    const port = servicePort(instance, naming);
    if (port && !ports.has(port.number)) ports.set(port.number, port);
  }
  const healthy = instances.filter((instance) => statusOf(instance) !== "critical");
  const byName = healthy.some((instance) => !isIpAddress(addressOf(instance)));
  const { namespace } = naming;
  return {
    service: {
      hostname: naming.hostname(name).toLowerCase(),
      namespace,
      name,
      registry: "Consul",
      ports: [...ports.values()].sort((a, b) => a.number - b.number),
      addresses: [],
      resolution: byName ? "DNSLB" : "ClientSideLB",
      meshExternal: false,
      exportTo: [],
      labels: {},
      subjectAltNames: [],
      source: { kind: "ConsulService", namespace, name },
    },
    endpoints: healthy.flatMap((instance) => {
      const port = servicePort(instance, naming);
      const address = addressOf(instance);
      return port && address ? [toEndpoint(instance, address, port, naming)] : [];
    }),
  };
}

function toEndpoint(entry: ConsulEntry, address: string, port: ServicePort, naming: ConsulNaming): Endpoint {
  const { Node: node, Service: service } = entry;
  const { clusterId, network, namespace } = naming;
  const locality: Locality = {
    region: service?.Locality?.Region ?? node?.Datacenter ?? "",
    zone: service?.Locality?.Zone ?? "",
    subzone: "",
  };
  const weight = statusOf(entry) === "warning" ? service?.Weights?.Warning : service?.Weights?.Passing;
  const nodeName = node?.Node;
  return {
    addresses: [address],
    ports: { [port.name]: service?.Port ?? port.number },
    labels: instanceLabels(ownLabels(entry), { clusterId, locality, network, ...(nodeName && { nodeName }) }),
    namespace,
    workloadName: service?.ID ?? service?.Service ?? "",
    serviceAccount: "",
    locality,
    ...(weight && { weight }),
    network,
    clusterId,
    health: "healthy",
    tlsMode: "disabled",
    ...(nodeName && { nodeName }),
  };
}

function servicePort({ Service: service }: ConsulEntry, naming: ConsulNaming): ServicePort | undefined {
  const number = naming.servicePort ?? service?.Port;
  if (!number) return undefined;
  const protocol = parseProtocol(service?.Meta?.protocol ?? "");
  return { number, name: naming.servicePort === undefined ? `port-${number}` : "default", protocol };
}

/** Meta, and tags of the form `key=value`. */
function ownLabels({ Service: service }: ConsulEntry): Labels {
  const tags = (service?.Tags ?? []).flatMap((tag) => {
    const sign = tag.indexOf("=");
    return sign > 0 ? [[tag.slice(0, sign), tag.slice(sign + 1)] as const] : [];
  });
  return { ...Object.fromEntries(tags), ...service?.Meta };
}

function addressOf({ Node: node, Service: service }: ConsulEntry): string {
  return service?.Address || node?.Address || "";
}

/** The worst check counts. */
function statusOf({ Checks: checks }: ConsulEntry): "passing" | "warning" | "critical" {
  const statuses = new Set((checks ?? []).map(({ Status: status }) => status));
  return statuses.has("critical") || statuses.has("maintenance")
    ? "critical"
    : statuses.has("warning")
      ? "warning"
      : "passing";
}

function byId(a: ConsulEntry, b: ConsulEntry): number {
  const left = `${a.Node?.Node}/${a.Service?.ID}`;
  const right = `${b.Node?.Node}/${b.Service?.ID}`;
  return left < right ? -1 : left > right ? 1 : 0;
}
