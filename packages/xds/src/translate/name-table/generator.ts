import { endpointsOf, gatewayServices, type Reader, sidecarScopeOf } from "@fairlead/mesh";
import type { Endpoint, Service } from "@fairlead/model";
import type { NameTable, NameTable_NameInfo } from "../../proto/types.ts";
import { networkOf } from "../endpoint/network-gateways.ts";
import { type Generator, generated } from "../generated.ts";
import { isIpAddress } from "../listener/address.ts";
import { isGateway, metadataFlag } from "../listener/node-settings.ts";
import { resolvedAddresses } from "../service-addresses.ts";

/** The one name table of a node has no name. */
const UNIT = "";

/** MCS names are no other form of a service's name, so they get none of its short forms. */
const CLUSTERSET = ".clusterset.local";

/**
 * What an agent answers DNS from (`DNS_CAPTURE`): the addresses of every service that the node sees, and of every instance
 * of a headless one. Source: Istio `dns/server.BuildNameTable`.
 */
export const nameTableGenerator: Generator<NameTable> = {
  units: (read) => (metadataFlag(read, "DNS_CAPTURE") ? [UNIT] : []),
  generate(read, unit, provenance) {
    if (unit !== UNIT || !metadataFlag(read, "DNS_CAPTURE")) return [];
    return [
      generated(
        read,
        UNIT,
        (build): NameTable => {
          const table: Record<string, NameTable_NameInfo> = {};
          for (const service of seenServices(read)) {
            build.uses(service.source);
            if (service.addresses.length === 0 && service.resolution === "Passthrough") {
              for (const [name, info] of instanceNames(read, service)) table[name] = info;
              enter(table, service, headlessAddresses(read, service));
            } else enter(table, service, resolvedAddresses(read, service));
          }
          return { table };
        },
        provenance,
      ),
    ];
  },
};

function seenServices(read: Reader): readonly Service[] {
  return isGateway(read) ? gatewayServices(read) : sidecarScopeOf(read).egress.flatMap(({ services }) => services);
}

/** A Kubernetes service owns its name; addresses of other services of one name are joined. */
function enter(table: Record<string, NameTable_NameInfo>, service: Service, ips: readonly string[]): void {
  if (ips.length === 0) return;
  const { hostname, registry } = service;
  const present = table[hostname];
  if (!present || (present.registry !== "Kubernetes" && registry === "Kubernetes"))
    table[hostname] = { ips: [...ips], registry, ...shortForm(service) };
  else if (present.registry !== "Kubernetes") present.ips = [...new Set([...(present.ips ?? []), ...ips])];
}

/** From these the agent makes `a`, `a.ns` and `a.ns.svc`. */
function shortForm({
  registry,
  hostname,
  namespace,
  name,
}: Service): Pick<NameTable_NameInfo, "namespace" | "shortname"> {
  return registry === "Kubernetes" && !hostname.endsWith(CLUSTERSET) ? { namespace, shortname: name } : {};
}

interface Instance {
  readonly endpoint: Endpoint;
  readonly sameCluster: boolean;
}

/** The instances of a headless service that the node may reach by address, each once. */
function instancesOf(read: Reader, service: Service): readonly Instance[] {
  if (service.ports.length === 0) return [];
  const seen = new Set<string | undefined>();
  return endpointsOf(read, service).flatMap((endpoint) => {
    const { addresses, health, clusterId } = endpoint;
    if (addresses.length === 0 || !addresses.every(isIpAddress)) return [];
    if (health !== "healthy" && !service.publishNotReadyAddresses) return [];
    if (seen.has(addresses[0])) return [];
    seen.add(addresses[0]);
    if (!isIn(read, "network", networkOf(read, endpoint))) return [];
    return [{ endpoint, sameCluster: isIn(read, "clusterId", clusterId) }];
  });
}

/** Whether the node is in a network or cluster, as far as both say where they are. */
function isIn(read: Reader, what: "network" | "clusterId", name: string): boolean {
  return name === "" || read.fact(`${what} is ${name}`, (node) => node[what] === "" || node[what] === name);
}

/** As Kubernetes' DNS: instances of the node's own cluster only. */
function headlessAddresses(read: Reader, service: Service): readonly string[] {
  return instancesOf(read, service).flatMap(({ endpoint, sameCluster }) => (sameCluster ? endpoint.addresses : []));
}

/** `HOSTNAME.SUBDOMAIN.NAMESPACE.svc.…` of each instance that has a subdomain; those of the node's own cluster win. */
function instanceNames(read: Reader, service: Service): ReadonlyMap<string, NameTable_NameInfo> {
  const names = new Map<string, { sameCluster: boolean; info: NameTable_NameInfo }>();
  const dot = service.hostname.indexOf(".");
  if (dot < 0) return new Map();
  for (const { endpoint, sameCluster } of instancesOf(read, service)) {
    const { hostname = "", subdomain, addresses } = endpoint;
    if (!subdomain) continue;
    const shortname = `${hostname}.${subdomain}`;
    const name = shortname + service.hostname.slice(dot);
    const present = names.get(name);
    if (present && present.sameCluster !== sameCluster && present.sameCluster) continue;
    const joined = present?.sameCluster === sameCluster ? (present.info.ips ?? []) : [];
    const { namespace, registry } = service;
    names.set(name, { sameCluster, info: { ips: [...joined, ...addresses], registry, namespace, shortname } });
  }
  return new Map([...names].map(([name, { info }]) => [name, info]));
}
