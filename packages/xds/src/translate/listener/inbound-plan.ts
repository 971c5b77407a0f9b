import { type ConfigObject, type IngressListener, refOf } from "@fairlead/config";
import { type Query, type Reader, serviceTargetsOf, sidecarOf } from "@fairlead/mesh";
import {
  type Diagnostic,
  type ObjectRef,
  type Protocol,
  parseProtocol,
  type Service,
  structurallyEqual,
} from "@fairlead/model";
import { WILDCARDS } from "./address.ts";
import { addressFamilyOf, interceptionModeOf, metadataFlag, reservedPorts } from "./node-settings.ts";

/** One port of the node's workload, as the outside reaches it. */
export interface InboundPort {
  /** What the workload (or the Sidecar) listens on; 0 for the chains that take every other port. */
  readonly targetPort: number;
  /** The service port, for routes and statistics. */
  readonly port: { readonly number: number; readonly name: string };
  readonly protocol: Protocol;
  readonly binds: readonly string[];
  /** Whether the proxy listens there itself, instead of being redirected to. */
  readonly bindToPort: boolean;
  /** The host name that telemetry shows. */
  readonly host: string;
  readonly service?: Service;
  readonly ingress?: IngressListener;
  readonly sidecar?: ConfigObject<"Sidecar">;
  readonly source: ObjectRef;
  readonly path: string;
}

export interface InboundPlan {
  /** By target port. */
  readonly ports: readonly InboundPort[];
  readonly problems: readonly Diagnostic[];
}

const plan: Query<void, InboundPlan> = {
  name: "inbound-plan",
  key: () => "",
  compute(read) {
    const problems: Diagnostic[] = [];
    const sidecar = sidecarOf(read);
    const found = sidecar?.spec.ingress?.length
      ? sidecarPorts(read, sidecar, problems)
      : interceptionModeOf(read) === "NONE"
        ? // The workload listens on these ports itself: without a Sidecar there is nowhere for the proxy to listen.
          []
        : servicePorts(read, problems);
    const ports = new Map<number, InboundPort>();
    for (const port of found) {
      const present = ports.get(port.targetPort);
      if (!present) ports.set(port.targetPort, port);
      else if (present.protocol !== port.protocol && present.host !== port.host)
        problems.push({
          code: "listener-conflict",
          severity: "warning",
          object: port.source,
          path: port.path,
          message: `${port.host} says that workload port ${port.targetPort} speaks ${port.protocol}, but it is ${present.protocol} already, by ${present.host}`,
        });
    }
    return { ports: [...ports.values()].sort((a, b) => a.targetPort - b.targetPort), problems };
  },
  equal: structurallyEqual,
};

/** The ports at which the node's workload is reached. Source: Istio `ListenerBuilder.buildInboundChainConfigs`. */
export function inboundPlanOf(read: Reader): InboundPlan {
  return read.ask(plan, undefined);
}

function servicePorts(read: Reader, problems: Diagnostic[]): InboundPort[] {
  const binds = WILDCARDS[addressFamilyOf(read)];
  const taken = reservedPorts(read);
  return serviceTargetsOf(read).flatMap(({ service, port, targetPort }) => {
    if (taken.has(targetPort)) {
      problems.push(reservedPort(service.source, "", targetPort));
      return [];
    }
    return [
      {
        targetPort,
        port: { number: port.number, name: port.name },
        protocol: port.protocol,
        binds,
        bindToPort: false,
        host: service.hostname,
        service,
        source: service.source,
        path: "",
      },
    ];
  });
}

function reservedPort(object: ObjectRef, path: string, port: number): Diagnostic {
  const message = `the proxy itself uses port ${port}: the workload cannot be reached there`;
  return { code: "port-reserved", severity: "warning", object, path, message };
}

function sidecarPorts(read: Reader, sidecar: ConfigObject<"Sidecar">, problems: Diagnostic[]): InboundPort[] {
  const source = refOf(sidecar);
  const none = interceptionModeOf(read) === "NONE";
  const unprivileged = metadataFlag(read, "UNPRIVILEGED_POD");
  const [wildcard] = WILDCARDS[addressFamilyOf(read)];
  const taken = reservedPorts(read);
  return (sidecar.spec.ingress ?? []).flatMap((ingress, index) => {
    const { bind, captureMode, port } = ingress;
    const number = port.number ?? 0;
    const path = `spec.ingress[${index}]`;
    const bindToPort = !captureMode || captureMode === "DEFAULT" ? none : captureMode === "NONE";
    if (bindToPort && unprivileged && number < 1024) {
      const message = `port ${number} needs a privilege that the proxy does not have`;
      problems.push({ code: "port-reserved", severity: "warning", object: source, path: `${path}.port`, message });
      return [];
    }
    if (bind === wildcard && taken.has(number)) {
      problems.push(reservedPort(source, `${path}.port`, number));
      return [];
    }
    return [
      {
        targetPort: number,
        port: { number, name: port.name ?? "" },
        protocol: parseProtocol(port.protocol ?? ""),
        binds: bind ? [bind] : ownBinds(read),
        bindToPort,
        host: `${sidecar.metadata.name}.${sidecar.metadata.namespace}`,
        ingress,
        sidecar,
        source,
        path,
      },
    ];
  });
}

/** The node's own address, else every address of its families. */
function ownBinds(read: Reader): readonly string[] {
  const own = read.fact("routable address", (node) => node.ipAddresses.find(isGlobalUnicast) ?? "");
  return own ? [own] : WILDCARDS[addressFamilyOf(read)];
}

/** Not loopback, link-local, multicast or unspecified. */
function isGlobalUnicast(address: string): boolean {
  if (address.includes(":")) return !/^(::1?$|fe[89ab]|ff)/i.test(address);
  const [first = 0, second = 0] = address.split(".").map(Number);
  return !(first === 0 || first === 127 || first >= 224 || (first === 169 && second === 254));
}
