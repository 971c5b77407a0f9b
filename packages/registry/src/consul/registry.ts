import {
  type Diagnostic,
  MemoryCollection,
  type Namespace,
  type Service,
  type ServiceEndpoints,
  serviceKey,
  type Workload,
} from "@fairlead/model";
import type { Registry } from "../registry.ts";
import { RegistryError } from "../registry-error.ts";
import { type RetryOptions, repeat } from "../retry.ts";
import { blockingQuery, type ConsulConnection } from "./blocking-query.ts";
import { type ConsulEntry, type ConsulNaming, consulService } from "./catalog.ts";

export interface ConsulRegistryOptions {
  /** Of an agent or server: `http://127.0.0.1:8500`. */
  readonly url: string | URL;
  /** ACL token. */
  readonly token?: string;
  /** Default: the agent's. */
  readonly datacenter?: string;
  /** Namespace of the services in the mesh. Default `default`. */
  readonly namespace?: string;
  /** Their host names. Default: `NAME.service.consul`. */
  readonly hostname?: (service: string) => string;
  /** One port number that clients dial for every service. Default: the instances' own numbers, each a port. */
  readonly servicePort?: number;
  /** Services that are not taken. Default: `consul` itself. */
  readonly exclude?: readonly string[];
  readonly name?: string;
  /** Default `consul`. */
  readonly clusterId?: string;
  readonly network?: string;
  /** Seconds that a query may block. Default 60. */
  readonly waitSeconds?: number;
  /** Longest answer, in characters. Default 64 Mi. */
  readonly maxBodyBytes?: number;
  readonly retry?: RetryOptions;
  /** Instead of the platform's. */
  readonly fetch?: typeof fetch;
}

/**
 * A registry over a Consul catalog, kept up to date by blocking queries: one for the list of services and one for each
 * of them. When Consul cannot be asked, what it last said stays in force and a diagnostic tells; `ready` resolves when
 * the list and every service on it have been read, and rejects only when it is closed before.
 */
export function consulRegistry(options: ConsulRegistryOptions): Registry {
  return new ConsulRegistry(options);
}

class ConsulRegistry implements Registry {
  readonly name: string;
  readonly ready: Promise<void>;
  readonly services = new MemoryCollection<Service>();
  readonly workloads = new MemoryCollection<Workload>();
  readonly endpoints = new MemoryCollection<ServiceEndpoints>();
  readonly namespaces = new MemoryCollection<Namespace>();
  readonly #connection: ConsulConnection;
  readonly #naming: ConsulNaming;
  readonly #exclude: ReadonlySet<string>;
  readonly #retry: RetryOptions | undefined;
  readonly #closing = new AbortController();
  readonly #followed = new Map<string, AbortController>();
  readonly #failures = new Map<string, Diagnostic>();
  readonly #firstReads = Promise.withResolvers<void>();
  readonly #running: Promise<void>;

  constructor(options: ConsulRegistryOptions) {
    const { namespace = "default", clusterId = "consul", network = "", servicePort } = options;
    this.name = options.name ?? "Consul";
    this.#connection = {
      url: new URL(options.url),
      token: options.token,
      datacenter: options.datacenter,
      waitSeconds: options.waitSeconds ?? 60,
      maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 * 1024,
      fetch: options.fetch ?? fetch,
    };
    const hostname = options.hostname ?? ((service) => `${service}.service.consul`);
    this.#naming = { namespace, clusterId, network, servicePort, hostname };
    this.#exclude = new Set(options.exclude ?? ["consul"]);
    this.#retry = options.retry;
    this.ready = this.#firstReads.promise;
    this.ready.catch(() => undefined);
    this.#running = this.#followCatalog();
  }

  diagnostics(): readonly Diagnostic[] {
    return [...this.#failures.values()];
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const following of this.#followed.values()) following.abort();
    await this.#running;
    this.#firstReads.reject(new RegistryError("closed", "the registry was closed before it was ready"));
  }

  async #followCatalog(): Promise<void> {
    let index = 0;
    let read = false;
    const { signal } = this.#closing;
    const step = async () => {
      const answer = await blockingQuery(this.#connection, "/v1/catalog/services", index, signal);
      if (signal.aborted) return;
      const names = Object.keys(record(answer.body)).filter((name) => !this.#exclude.has(name));
      const reads = names.filter((name) => !this.#followed.has(name)).map((name) => this.#follow(name));
      for (const name of [...this.#followed.keys()]) if (!names.includes(name)) this.#drop(name);
      index = answer.index;
      if (!read) void Promise.all(reads).then(() => this.#firstReads.resolve());
      read = true;
    };
    const report = (failure: unknown) => {
      // What was missed is read at once, not when the next change comes.
      if (failure !== undefined) index = 0;
      this.#report("", failure);
    };
    await repeat(step, signal, report, this.#retry);
  }

  /** Follows one service; resolves when it has been read for the first time, or dropped. */
  #follow(name: string): Promise<void> {
    const following = new AbortController();
    this.#followed.set(name, following);
    const { signal } = following;
    const first = Promise.withResolvers<void>();
    let index = 0;
    const step = async () => {
      const path = `/v1/health/service/${encodeURIComponent(name)}`;
      const answer = await blockingQuery(this.#connection, path, index, signal);
      if (signal.aborted) return;
      this.#apply(name, list(answer.body));
      index = answer.index;
      first.resolve();
    };
    const report = (failure: unknown) => {
      if (failure !== undefined) index = 0;
      this.#report(name, failure);
    };
    void repeat(step, signal, report, this.#retry).then(first.resolve);
    return first.promise;
  }

  #drop(name: string): void {
    this.#followed.get(name)?.abort();
    this.#followed.delete(name);
    this.#failures.delete(name);
    this.#apply(name, []);
  }

  #apply(name: string, entries: readonly ConsulEntry[]): void {
    const { namespace } = this.#naming;
    const hostname = this.#naming.hostname(name).toLowerCase();
    const key = serviceKey({ namespace, hostname });
    const found = consulService(name, entries, this.#naming);
    this.services.apply([[key, found?.service]]);
    this.endpoints.apply([[key, found && { hostname, namespace, endpoints: found.endpoints }]]);
  }

  #report(name: string, failure: unknown): void {
    if (failure === undefined) {
      this.#failures.delete(name);
      return;
    }
    const message = `${failure instanceof Error ? failure.message : String(failure)}: what Consul last said stays in force`;
    const object = { kind: "ConsulService", namespace: this.#naming.namespace, name };
    this.#failures.set(name, {
      code: "consul-failure",
      severity: "error",
      path: "",
      message,
      ...(name !== "" && { object }),
    });
  }
}

function record(body: unknown): object {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body;
  throw new RegistryError("bad-response", "/v1/catalog/services: not a JSON object");
}

function list(body: unknown): readonly ConsulEntry[] {
  if (Array.isArray(body)) return body as readonly ConsulEntry[];
  throw new RegistryError("bad-response", "/v1/health/service: not a JSON list");
}
