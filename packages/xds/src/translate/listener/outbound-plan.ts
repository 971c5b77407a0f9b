// Longer than most files: the rules by which services share outbound listeners are one state machine.
import type { ConfigObject, EgressListener } from "@fairlead/config";
import { meshConfigOf, type Query, type Reader, sidecarScopeOf } from "@fairlead/mesh";
import { isHttp, isTcp, type Protocol, parseProtocol, type Service, structurallyEqual } from "@fairlead/model";
import { serviceAddresses } from "../service-addresses.ts";
import { type AddressFamily, isUnixSocket, LOCALHOSTS, listenerName, UNSPECIFIED, WILDCARDS } from "./address.ts";
import { addressFamilyOf, interceptionModeOf, metadataFlag, metadataText, reservedPorts } from "./node-settings.ts";

/** A port that is listened on: a service's, or one that a Sidecar names. */
export interface ListenPort {
  readonly number: number;
  readonly name: string;
  readonly protocol: Protocol;
}

/** One service's part in an outbound listener. */
export interface Contribution {
  /** Index into the node's egress listeners: whose routes apply. */
  readonly egress: number;
  readonly service: Service;
  readonly port: ListenPort;
  /** Which chains it adds: `auto` is both, told apart by what the connection turns out to be. */
  readonly adds: "http" | "tcp" | "auto";
  /** Further conditions on the destination address. */
  readonly destinations?: readonly string[];
  /** Addresses as bound when this contribution was made (the first decides whether names must tell services apart). */
  readonly binds: readonly string[];
}

export interface OutboundListenerPlan {
  readonly name: string;
  readonly binds: readonly string[];
  readonly bindToPort: boolean;
  readonly port: ListenPort;
  readonly contributions: readonly Contribution[];
}

export interface HeadlessPlan {
  readonly egress: number;
  readonly service: Service;
  readonly port: ListenPort;
  readonly bindToPort: boolean;
}

export interface OutboundPlan {
  readonly listeners: ReadonlyMap<string, OutboundListenerPlan>;
  /** Services without an address of their own, by port: each of their instances gets a listener. */
  readonly headless: ReadonlyMap<number, readonly HeadlessPlan[]>;
  readonly problems: readonly PlanProblem[];
}

export interface PlanProblem {
  readonly code: string;
  readonly service: Service;
  readonly port: number;
  readonly message: string;
}

interface Entry extends OutboundListenerPlan {
  /** What the listener speaks so far; `Unspecified` when it has chains for HTTP and for other content. */
  protocol: Protocol;
  locked: boolean;
  contributions: Contribution[];
}

type Content = "http" | "tcp" | "auto" | "none";

function contentOf(protocol: Protocol): Content {
  if (isHttp(protocol)) return "http";
  if (isTcp(protocol)) return "tcp";
  return protocol === "UDP" ? "none" : "auto";
}

const plan: Query<void, OutboundPlan> = {
  name: "outbound-plan",
  key: () => "",
  compute: (read) => new Planner(read).run(),
  equal: (a, b) =>
    structurallyEqual(a.problems, b.problems) &&
    sameEntries(a.listeners, b.listeners, samePlan) &&
    sameEntries(a.headless, b.headless, structurallyEqual),
};

function sameEntries<K, V>(a: ReadonlyMap<K, V>, b: ReadonlyMap<K, V>, equal: (a: V, b: V) => boolean): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

function samePlan(a: OutboundListenerPlan, b: OutboundListenerPlan): boolean {
  return (
    a.contributions.length === b.contributions.length &&
    a.contributions.every((one, index) => one.service === b.contributions[index]?.service) &&
    structurallyEqual(a, b)
  );
}

/** Which outbound listeners a sidecar has, and which services take part in each. */
export function outboundPlanOf(read: Reader): OutboundPlan {
  return read.ask(plan, undefined);
}

const oneListener: Query<string, OutboundListenerPlan | undefined> = {
  name: "outbound-listener-plan",
  key: (name) => name,
  compute: (read, name) => outboundPlanOf(read).listeners.get(name),
  equal: (a, b) => a === b || (a !== undefined && b !== undefined && samePlan(a, b)),
};

/** The plan of one listener: changes only when a service in it does. */
export function outboundListenerPlan(read: Reader, name: string): OutboundListenerPlan | undefined {
  return read.ask(oneListener, name);
}

const ofPort: Query<number, readonly HeadlessPlan[]> = {
  name: "headless-plan",
  key: String,
  compute: (read, port) => outboundPlanOf(read).headless.get(port) ?? [],
  equal: structurallyEqual,
};

export function headlessPlan(read: Reader, port: number): readonly HeadlessPlan[] {
  return read.ask(ofPort, port);
}

interface Binding {
  readonly binds: readonly string[];
  readonly bindToPort: boolean;
}

class Planner {
  readonly #read: Reader;
  readonly #family: AddressFamily;
  readonly #none: boolean;
  readonly #reserved: ReadonlySet<number>;
  readonly #unprivileged: boolean;
  readonly #entries = new Map<string, Entry>();
  readonly #headless = new Map<number, HeadlessPlan[]>();
  readonly #problems: PlanProblem[] = [];

  constructor(read: Reader) {
    this.#read = read;
    this.#family = addressFamilyOf(read);
    this.#none = interceptionModeOf(read) === "NONE";
    this.#reserved = reservedPorts(read);
    this.#unprivileged = metadataFlag(read, "UNPRIVILEGED_POD");
  }

  run(): OutboundPlan {
    for (const [egress, { listener, services }] of sidecarScopeOf(this.#read).egress.entries()) {
      const binding = this.#binding(listener);
      const { port } = listener ?? {};
      if (port?.number !== undefined || port?.protocol !== undefined) {
        const listenPort = {
          number: port.number ?? 0,
          name: port.name ?? "",
          protocol: parseProtocol(port.protocol ?? ""),
        };
        for (const service of services) {
          if (!this.#canBind(binding, listenPort, service)) continue;
          this.#place({ egress, service, port: listenPort }, binding);
        }
        continue;
      }
      // The ports that listeners before this one named are theirs alone.
      for (const entry of this.#entries.values()) entry.locked = true;
      for (const service of services)
        for (const servicePort of service.ports) {
          const { number, name, protocol } = servicePort;
          const listenPort = { number, name, protocol };
          if (this.#canBind(binding, listenPort, service)) this.#placeService(egress, service, listenPort, binding);
        }
    }
    const listeners = new Map<string, OutboundListenerPlan>();
    for (const { name, binds, bindToPort, port, contributions } of this.#entries.values())
      listeners.set(name, { name, binds, bindToPort, port, contributions });
    return { listeners, headless: this.#headless, problems: this.#problems };
  }

  #binding(listener: EgressListener | undefined): Binding {
    const bindToPort = this.#none || listener?.captureMode === "NONE" || isUnixSocket(listener?.bind ?? "");
    if (listener?.bind) return { bindToPort, binds: [listener.bind] };
    return { bindToPort, binds: bindToPort ? LOCALHOSTS[this.#family] : [] };
  }

  /** Whether nothing else of the proxy listens there, and the proxy may. */
  #canBind({ binds: [bind], bindToPort }: Binding, port: ListenPort, service: Service): boolean {
    const refuse = (message: string) => {
      this.#problems.push({ code: "port-reserved", service, port: port.number, message });
      return false;
    };
    if (bindToPort && port.number > 0 && port.number < 1024 && this.#unprivileged)
      return refuse(`port ${port.number} needs a privilege that the proxy does not have`);
    const onWildcard = bind === undefined ? isHttp(port.protocol) : bind === WILDCARDS[this.#family][0];
    if (onWildcard && this.#reserved.has(port.number))
      return refuse(`the proxy itself listens on port ${port.number}; the service cannot be reached through it there`);
    return true;
  }

  /** One service port without an address that a Sidecar chose. */
  #placeService(egress: number, service: Service, port: ListenPort, binding: Binding): void {
    const content = contentOf(port.protocol);
    const addresses = serviceAddresses(this.#read, service);
    const headless =
      binding.binds.length === 0 &&
      service.resolution === "Passthrough" &&
      addresses[0]?.[0] === UNSPECIFIED &&
      (content === "tcp" || content === "auto");
    // A ServiceEntry without endpoints or selector stands for whatever has that port: the wildcard listener is right.
    if (headless && !(service.registry !== "Kubernetes" && !service.selector && this.#hasNoEndpoints(service))) {
      const list = this.#headless.get(port.number) ?? [];
      this.#headless.set(port.number, list);
      list.push({ egress, service, port, bindToPort: binding.bindToPort });
      return;
    }
    this.#place({ egress, service, port }, binding);
  }

  #hasNoEndpoints(service: Service): boolean {
    return (this.#read.bucket("endpoints", `${service.namespace}/${service.hostname}`) ?? []).length === 0;
  }

  /** A service under its addresses, or where it is bound. */
  #place(part: Pick<Contribution, "egress" | "service" | "port">, binding: Binding): void {
    const { service, port } = part;
    // Another name for a service is reached as that service.
    if (service.resolution === "Alias") return;
    const content = contentOf(port.protocol);
    if (content === "none") return;
    const wildcards = WILDCARDS[this.#family];
    if (binding.binds.length > 0 || content === "http") {
      const binds = binding.binds.length > 0 ? binding.binds : wildcards;
      this.#add(part, content, { ...binding, binds, destinations: undefined });
      return;
    }
    for (const addresses of serviceAddresses(this.#read, service)) {
      const [address = UNSPECIFIED] = addresses;
      if (address.includes("/")) this.#add(part, content, { ...binding, binds: wildcards, destinations: addresses });
      else if (address === UNSPECIFIED && service.registry === "External" && this.#family !== "IPv4")
        this.#add(part, content, { ...binding, binds: wildcards, destinations: undefined });
      else this.#add(part, content, { ...binding, binds: addresses, destinations: undefined });
    }
  }

  #add(
    part: Pick<Contribution, "egress" | "service" | "port">,
    content: "http" | "tcp" | "auto",
    { binds, bindToPort, destinations }: Binding & { readonly destinations: readonly string[] | undefined },
  ): void {
    const { port, service } = part;
    const name = listenerName(binds[0] ?? "", port.number);
    const current = this.#entries.get(name);
    if (current?.locked) return;
    const before = current && contentOf(current.protocol);
    // All HTTP services of a listener are told apart by its routes: the first one stands for all.
    if (content === "http" && current && before !== "tcp" && !replacesAll(port.protocol)) return;
    if (current && !replacesAll(port.protocol) && isServerFirst(port.protocol, current.protocol)) {
      this.#problems.push({
        code: "listener-conflict",
        service,
        port: port.number,
        message: `shares listener ${name} with a service of protocol ${current.protocol}, which speaks first: ${port.protocol} cannot be detected beside it`,
      });
      return;
    }
    const adds = current && content === "auto" && before === "auto" ? "tcp" : content;
    const contribution: Contribution = { ...part, adds, binds, ...(destinations ? { destinations } : {}) };
    // On the wildcard address there is always a way for content that is not HTTP.
    const sniffed = content === "http" && binds[0] === WILDCARDS[this.#family][0] && !replacesAll(port.protocol);
    const replaces = !current || (content === "auto" && before === "http") || replacesAll(port.protocol);
    if (replaces) {
      const protocol: Protocol = sniffed ? "Unspecified" : port.protocol;
      this.#entries.set(name, {
        name,
        binds,
        bindToPort,
        port,
        protocol,
        locked: false,
        contributions: [contribution],
      });
      return;
    }
    current.contributions.push(contribution);
    if (content !== before) current.protocol = "Unspecified";
  }
}

/** A forward proxy takes everything itself. */
function replacesAll(protocol: Protocol): boolean {
  return protocol === "HTTP_PROXY";
}

/** MongoDB and MySQL servers speak first: looking at what a client sends would wait for ever. */
function isServerFirst(incoming: Protocol, existing: Protocol): boolean {
  const first = (protocol: Protocol) => protocol === "Mongo" || protocol === "MySQL";
  return (first(incoming) || first(existing)) && incoming !== existing;
}

/** The port of the HTTP forward proxy, when there is one. Source: Istio API, `MeshConfig.proxyHttpPort`. */
export function httpProxyPort(read: Reader): number | undefined {
  const own = Number(metadataText(read, "HTTP_PROXY_PORT"));
  return own || meshConfigOf(read).proxyHttpPort || undefined;
}

/** The Sidecar that named the listener, for messages and provenance. */
export function egressSource(
  read: Reader,
  egress: number,
): { readonly sidecar: ConfigObject<"Sidecar">; readonly path: string } | undefined {
  const scope = sidecarScopeOf(read);
  const { listener, path = "" } = scope.egress[egress] ?? {};
  return scope.sidecar && listener ? { sidecar: scope.sidecar, path } : undefined;
}
