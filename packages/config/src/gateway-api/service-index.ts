import {
  type Collection,
  type Endpoint,
  type Namespace,
  type Service,
  type ServiceEndpoints,
  serviceKey,
  type Unsubscribe,
} from "@fairlead/model";
import type { KnownService } from "./convert/world.ts";

/** What registries tell of services, as far as Gateways and routes refer to them. */
export interface KnownServices {
  readonly services: Collection<Service>;
  readonly namespaces: Collection<Namespace>;
  /** Where Gateways' proxies are; only statuses are about them. Default: nobody says. */
  readonly endpoints?: Collection<ServiceEndpoints>;
}

/** Services by full name, of all namespaces, as they are now. */
export class ServiceIndex {
  readonly #known: KnownServices;
  readonly #byHost = new Map<string, Set<string>>();
  readonly #unsubscribe: readonly Unsubscribe[];

  /** `changed` is told of host names whose services changed; of endpoints it is not. */
  constructor(known: KnownServices, changed: (hostnames: ReadonlySet<string>) => void) {
    this.#known = known;
    for (const service of known.services.values()) this.#add(service);
    this.#unsubscribe = [
      known.services.subscribe((changes) => {
        for (const { previous, value } of changes) {
          if (previous && previous.hostname !== value?.hostname)
            this.#byHost.get(previous.hostname)?.delete(serviceKey(previous));
          if (value) this.#add(value);
        }
        changed(new Set(changes.flatMap(({ previous, value }) => (value ?? previous)?.hostname ?? [])));
      }),
    ];
  }

  of(hostname: string): readonly KnownService[] {
    const { services, endpoints } = this.#known;
    return [...(this.#byHost.get(hostname) ?? [])].flatMap((key) => {
      const service = services.get(key);
      if (!service) return [];
      const { namespace, labels, ports, addresses, externalAddresses } = service;
      // Lists of endpoints come under keys of their own: of one service there may be several.
      const here = endpoints
        ? [...endpoints.values()].filter((one) => one.hostname === hostname && one.namespace === namespace)
        : [];
      const instances = new Map(
        ports.map(({ number, name }) => [
          number,
          here.flatMap((one) => one.endpoints.flatMap((at) => portOf(at, name))),
        ]),
      );
      const external = externalAddresses && { externalAddresses };
      return [{ hostname, namespace, labels, ports, addresses, ...external, instances }];
    });
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #add(service: Service): void {
    const keys = this.#byHost.get(service.hostname) ?? new Set();
    this.#byHost.set(service.hostname, keys);
    keys.add(serviceKey(service));
  }
}

function portOf({ ports }: Endpoint, name: string): readonly number[] {
  const port = ports[name];
  return port === undefined ? [] : [port];
}
