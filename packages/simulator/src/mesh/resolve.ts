import { Derivations, endpointsOf, type Mesh, type Query } from "@fairlead/mesh";
import { kubernetesHost, type ProxyNode, type Service, serviceKey } from "@fairlead/model";
import { SimulatorError } from "../error.ts";
import { parseAddress } from "../listener/cidr.ts";
import { knownNames } from "./nearest.ts";

/** What a client's DNS look-up gives. */
export interface Resolved {
  readonly address: string;
  readonly service?: Service;
}

/** An address of the internet that no mesh serves. RFC 5737. */
const OUTSIDE = "198.51.100.1";

const caches = new WeakMap<Mesh, Map<string, Resolved>>();

/**
 * The address a client dials for a host name: a service's virtual IP, for headless services an endpoint's. Names that
 * look like services of the cluster must exist; any other unknown name is somewhere outside.
 */
export function resolveHost(mesh: Mesh, node: ProxyNode, host: string): Resolved {
  let cache = caches.get(mesh);
  if (cache === undefined) {
    cache = new Map();
    caches.set(mesh, cache);
  }
  const key = `${node.namespace}|${host}`;
  let resolved = cache.get(key);
  if (resolved === undefined) {
    resolved = resolve(mesh, node, host);
    cache.set(key, resolved);
  }
  return resolved;
}

function resolve(mesh: Mesh, node: ProxyNode, written: string): Resolved {
  const host = written.replace(/^\[(.*)\]$/, "$1");
  if (parseAddress(host)) return { address: host };
  const name = host.toLowerCase().replace(/\.$/, "");
  const service = findService(mesh, node, name);
  if (service) return { address: addressOf(mesh, node, service), service };
  const inside = !name.includes(".") || /\.svc(\.cluster\.local)?$/.test(name) || isNamespaced(mesh, name);
  if (!inside) return { address: OUTSIDE };
  const hosts = [...mesh.services()].flatMap(({ hostname, name: short, namespace, registry }) =>
    registry === "Kubernetes" ? [hostname, short, `${short}.${namespace}`] : [hostname],
  );
  throw new SimulatorError("unknown-host", `no service of the mesh is named ${host}; ${knownNames(name, hosts)}`);
}

function findService(mesh: Mesh, { namespace }: ProxyNode, name: string): Service | undefined {
  const [first = "", second] = name.split(".");
  const candidates = [
    name,
    kubernetesHost(name, namespace),
    ...(name.split(".").length === 2 && second ? [kubernetesHost(first, second)] : []),
    `${name}.cluster.local`,
    ...wildcards(name),
  ];
  for (const candidate of candidates) {
    const services = mesh.bucket("host", candidate) ?? [];
    const found = services.find((service) => service.namespace === namespace) ?? services[0];
    if (found) return found;
  }
  return undefined;
}

function wildcards(name: string): readonly string[] {
  const labels = name.split(".");
  return labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join(".")}`);
}

function isNamespaced(mesh: Mesh, name: string): boolean {
  const parts = name.split(".");
  return parts.length === 2 && (mesh.bucket("serviceNamespaces", "") ?? []).includes(parts[1] ?? "");
}

const endpoints: Query<Service, readonly string[]> = {
  name: "endpoint-addresses",
  key: serviceKey,
  compute: (read, service) => endpointsOf(read, service).flatMap(({ addresses }) => addresses),
};

function addressOf(mesh: Mesh, node: ProxyNode, service: Service): string {
  const [virtual] = service.addresses;
  if (virtual && virtual !== "0.0.0.0") return virtual.replace(/\/.*$/, "");
  const found = new Derivations(mesh)
    .ask(endpoints, service, node)
    .find((address) => parseAddress(address) !== undefined);
  return found ?? OUTSIDE;
}
