import { gatewayServices, gatewaysOf, type Query, type Reader, sidecarScopeOf } from "@fairlead/mesh";
import { type Service, serviceKey } from "@fairlead/model";
import { isGateway } from "../listener/node-settings.ts";

/** The clusters of one service. `sni`: those of a gateway that passes mTLS through. */
export interface ServiceUnit {
  readonly kind: "service" | "sni";
  readonly service: Service;
}

/** `service NAMESPACE/HOSTNAME`, with the ports that a Sidecar leaves of it (` 80,443`) when these are not all. */
function unitName(kind: ServiceUnit["kind"], service: Service, cut: boolean): string {
  const ports = cut ? ` ${service.ports.map((port) => port.number).join(",")}` : "";
  return `${kind} ${serviceKey(service)}${ports}`;
}

function serviceAt(read: Reader, key: string): Service | undefined {
  const slash = key.indexOf("/");
  const namespace = key.slice(0, slash);
  return (read.bucket("host", key.slice(slash + 1)) ?? []).find((service) => service.namespace === namespace);
}

/** Another name for a service leads to that service's. */
function hasClusters({ resolution }: Service): boolean {
  return resolution !== "Alias";
}

/** The units of all services that the node sees and that have clusters, in their order. */
export function serviceUnits(read: Reader): readonly string[] {
  if (isGateway(read)) {
    const services = gatewayServices(read).filter(hasClusters);
    return [
      ...services.map((service) => unitName("service", service, false)),
      ...(passesMutualTlsThrough(read)
        ? services.filter((service) => !service.meshExternal).map((service) => unitName("sni", service, false))
        : []),
    ];
  }
  const { sidecar, services } = sidecarScopeOf(read);
  const mayCut = (sidecar?.spec.egress ?? []).length > 0;
  return services.filter(hasClusters).map((service) => {
    const whole = mayCut ? serviceAt(read, serviceKey(service)) : service;
    return unitName("service", service, whole !== undefined && whole.ports.length !== service.ports.length);
  });
}

/** Takes a unit's name apart; undefined when it is none, or its service is gone. */
export function parseServiceUnit(read: Reader, unit: string): ServiceUnit | undefined {
  const [kind, key = "", ports] = unit.split(" ");
  if (kind !== "service" && kind !== "sni") return undefined;
  const service = serviceAt(read, key);
  if (!service || !ports) return service && { kind, service };
  const numbers = new Set(ports.split(",").map(Number));
  return { kind, service: { ...service, ports: service.ports.filter((port) => numbers.has(port.number)) } };
}

const autoPassthrough: Query<void, boolean> = {
  name: "auto-passthrough",
  key: () => "",
  compute: (read) =>
    gatewaysOf(read).some(({ spec }) => (spec.servers ?? []).some((server) => server.tls?.mode === "AUTO_PASSTHROUGH")),
};

/** Whether one of the node's Gateways sends mTLS on by SNI alone (between networks). */
function passesMutualTlsThrough(read: Reader): boolean {
  return read.ask(autoPassthrough, undefined);
}
