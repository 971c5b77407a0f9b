import { Resolver } from "node:dns/promises";
import {
  type Diagnostic,
  type Endpoint,
  MemoryCollection,
  type Namespace,
  realSleep,
  type Service,
  type ServiceEndpoints,
  type ServicePort,
  type Sleep,
  serviceKey,
  type Workload,
} from "@fairlead/model";
import { instanceLabels, NO_LOCALITY } from "../instance-labels.ts";
import type { Registry } from "../registry.ts";
import { RegistryError } from "../registry-error.ts";
import { type DnsLookup, type DnsResolver, type DnsResult, lookUp } from "./lookup.ts";

/** A service that DNS knows the endpoints of. */
export interface DnsService {
  /** Its name in the mesh. */
  readonly hostname: string;
  readonly namespace: string;
  readonly lookup: DnsLookup;
  /** What clients dial. */
  readonly port: ServicePort;
  /** Default true. */
  readonly meshExternal?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface DnsRegistryOptions {
  readonly services: readonly DnsService[];
  /** Name servers, `ip` or `ip:port`. Default: those of the system. */
  readonly servers?: readonly string[];
  /** Instead of Node's resolver. */
  readonly resolver?: DnsResolver;
  /** Milliseconds between two look-ups, at least (default 5,000) and at most (default 30,000); in between, the records' TTL. */
  readonly minInterval?: number;
  readonly maxInterval?: number;
  /** Milliseconds for one question. Default 2,000; asked twice. */
  readonly timeout?: number;
  readonly name?: string;
  /** Default `dns`. */
  readonly clusterId?: string;
  readonly network?: string;
  readonly sleep?: Sleep;
}

/**
 * A registry of services whose endpoints are SRV or address records, looked up again as they run out. A name that DNS does
 * not have is no service. When DNS cannot be asked, the last answer stays in force and a diagnostic says so; `ready`
 * resolves when each service has been asked for once.
 */
export function dnsRegistry(options: DnsRegistryOptions): Registry {
  return new DnsRegistry(options);
}

class DnsRegistry implements Registry {
  readonly name: string;
  readonly ready: Promise<void>;
  readonly services = new MemoryCollection<Service>();
  readonly workloads = new MemoryCollection<Workload>();
  readonly endpoints = new MemoryCollection<ServiceEndpoints>();
  readonly namespaces = new MemoryCollection<Namespace>();
  readonly #options: DnsRegistryOptions;
  readonly #resolver: DnsResolver;
  readonly #closing = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #failures = new Map<string, Diagnostic>();

  constructor(options: DnsRegistryOptions) {
    this.name = options.name ?? "dns";
    this.#options = options;
    const keys = options.services.map(serviceKey);
    const twice = keys.find((key, index) => keys.indexOf(key) !== index);
    if (twice !== undefined) throw new RegistryError("bad-options", `service ${twice} is listed twice`);
    this.#resolver = options.resolver ?? nodeResolver(options);
    const runs = options.services.map((service) => {
      const first = Promise.withResolvers<void>();
      return { first: first.promise, running: this.#follow(service, first.resolve) };
    });
    this.ready = Promise.all(runs.map(({ first }) => first)).then(() => undefined);
    this.#running = Promise.all(runs.map(({ running }) => running));
  }

  diagnostics(): readonly Diagnostic[] {
    return [...this.#failures.values()];
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#resolver.cancel();
    await this.#running;
  }

  async #follow(service: DnsService, asked: () => void): Promise<void> {
    const { minInterval = 5_000, maxInterval = 30_000, sleep = realSleep } = this.#options;
    const { signal } = this.#closing;
    const key = serviceKey(service);
    while (!signal.aborted) {
      let wait = minInterval;
      try {
        const result = await lookUp(this.#resolver, service.lookup);
        if (signal.aborted) break;
        this.#failures.delete(key);
        this.#apply(service, result);
        wait = Math.max(minInterval, Math.min(maxInterval, result.ttl * 1000));
      } catch (error) {
        if (signal.aborted) break;
        this.#failures.set(key, failure(service, error));
      }
      asked();
      await sleep(wait, signal);
    }
    asked();
  }

  #apply(service: DnsService, { answers }: DnsResult): void {
    const key = serviceKey(service);
    const { hostname, namespace } = service;
    const endpoints = answers.map(({ address, port, weight }) => this.#endpoint(service, address, port, weight));
    this.services.apply([[key, answers.length > 0 ? toService(service) : undefined]]);
    this.endpoints.apply([[key, answers.length > 0 ? { hostname, namespace, endpoints } : undefined]]);
  }

  #endpoint(service: DnsService, address: string, port: number, weight: number | undefined): Endpoint {
    const { clusterId = "dns", network = "" } = this.#options;
    return {
      addresses: [address],
      ports: { [service.port.name]: port },
      labels: instanceLabels(service.labels ?? {}, { clusterId, locality: NO_LOCALITY, network }),
      namespace: service.namespace,
      serviceAccount: "",
      locality: NO_LOCALITY,
      ...(weight !== undefined && { weight }),
      network,
      clusterId,
      health: "healthy",
      tlsMode: "disabled",
    };
  }
}

function nodeResolver({ servers, timeout = 2_000 }: DnsRegistryOptions): DnsResolver {
  const resolver = new Resolver({ timeout, tries: 2 });
  if (servers) resolver.setServers(servers);
  return resolver;
}

function toService({ hostname, namespace, port, meshExternal = true, labels = {} }: DnsService): Service {
  return {
    hostname,
    namespace,
    name: hostname,
    registry: "DNS",
    ports: [port],
    addresses: [],
    resolution: "ClientSideLB",
    meshExternal,
    exportTo: [],
    labels,
    subjectAltNames: [],
    source: { kind: "DNSService", namespace, name: hostname },
  };
}

function failure({ hostname, namespace, lookup }: DnsService, error: unknown): Diagnostic {
  const asked = "srv" in lookup ? lookup.srv : lookup.name;
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return {
    code: "dns-failure",
    severity: "error",
    path: "",
    message: `${asked} cannot be looked up (${code ?? message ?? String(error)}): the last answer stays in force`,
    object: { kind: "DNSService", namespace, name: hostname },
  };
}
