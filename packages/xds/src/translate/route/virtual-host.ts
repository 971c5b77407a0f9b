import { identityOf, type Query, type Reader, sameMembers } from "@fairlead/mesh";
import { isHttp, type ObjectRef, type Protocol, type Service } from "@fairlead/model";
import { shared } from "../../proto/shared.ts";
import type { Route, VirtualHost } from "../../proto/types.ts";
import type { Build } from "../generated.ts";
import { clusterName } from "../names.ts";
import { sessionSettings } from "../stateful-session.ts";
import { defaultOutboundRoute } from "./default-route.ts";
import { bracketed, hostWithPort, serviceDomains } from "./domain.ts";
import { consistentHashOfService, hashPolicyOf } from "./hash-policy.ts";
import { include, type Part, partOf } from "./part.ts";
import { proxyHeadersOf } from "./proxy-headers.ts";

/** A virtual host with those of its domains that give way to whoever has them as the full name. */
export interface HostPart extends Part<VirtualHost> {
  readonly alternatives: readonly string[];
}

/** Whether requests may be HTTP there: declared so, or to be found out. */
export function carriesHttp(protocol: Protocol): boolean {
  return isHttp(protocol) || protocol === "Unspecified";
}

/** A service as the node dials it. */
export interface DialledService {
  readonly service: Pick<Service, "hostname" | "namespace">;
  /** Other names (ExternalName) that lead to it. */
  readonly aliases: readonly string[];
  /** The service port. */
  readonly port: number;
  /** Whether the listener is for all ports, so that the port must be found in the request's host. */
  readonly anyPort: boolean;
  /** The routes of the VirtualService that speaks for it; absent: none does. */
  readonly routes?: Part<readonly Route[]>;
}

const serviceHost: Query<DialledService, HostPart> = {
  name: "service-virtual-host",
  key: ({ service, aliases, port, anyPort, routes }) =>
    `${service.namespace}/${service.hostname}|${port}|${anyPort}|${aliases.join()}|${routes ? identityOf(routes) : ""}`,
  compute(read, { service: { hostname, namespace }, aliases, port, anyPort, routes }) {
    const service = (read.bucket("host", hostname) ?? []).find((one) => one.namespace === namespace);
    const { domains, alternatives } = service
      ? serviceDomains(read, service, aliases, anyPort ? port : undefined)
      : { domains: [], alternatives: [] };
    const made = partOf(read, (build) => {
      const list = routes ? include(build, routes) : [defaultRoute(build, hostname, namespace, port)];
      const session = service && sessionSettings(service);
      const host = virtualHost(read, hostWithPort(hostname, port), domains, list, session);
      return service ? build.from(host, service.source) : host;
    });
    return { ...made, alternatives };
  },
};

/** The virtual host of a service port. It is made again when the service or what speaks for it changes, and only then. */
export function serviceVirtualHost(read: Reader, dialled: DialledService): HostPart {
  return read.ask(serviceHost, dialled);
}

function defaultRoute(build: Build, hostname: string, namespace: string, port: number): Route {
  const setting = consistentHashOfService(build.read, { hostname, namespace }, port);
  const policy = setting && hashPolicyOf(setting.hash);
  const hashPolicy = policy && [build.from(policy, setting.source, setting.path)];
  const cluster = clusterName("outbound", port, "", hostname);
  return defaultOutboundRoute(build.read, cluster, `${hostWithPort(hostname, port)}/*`, hashPolicy);
}

interface NamedHost {
  readonly host: string;
  readonly port: number;
  readonly routes: Part<readonly Route[]>;
  /** The VirtualService that has the name. */
  readonly source: ObjectRef;
}

const namedHost: Query<NamedHost, HostPart> = {
  name: "named-virtual-host",
  key: ({ host, port, routes }) => `${host}|${port}|${identityOf(routes)}`,
  compute(read, { host, port, routes, source }) {
    const made = partOf(read, (build) =>
      build.from(
        virtualHost(read, hostWithPort(host, port), [bracketed(host)], include(build, routes)),
        source,
        "spec.hosts",
      ),
    );
    return { ...made, alternatives: [] };
  },
};

/** The virtual host of a name that a VirtualService has and no service. */
export function namedVirtualHost(read: Reader, named: NamedHost): HostPart {
  return read.ask(namedHost, named);
}

function virtualHost(
  read: Reader,
  name: string,
  domains: readonly string[],
  routes: readonly Route[],
  session?: VirtualHost["typedPerFilterConfig"],
): VirtualHost {
  return shared({
    name,
    domains: [...domains],
    routes: [...routes],
    ...(proxyHeadersOf(read).attemptCount ? { includeRequestAttemptCount: true } : {}),
    ...(session ? { typedPerFilterConfig: session } : {}),
  });
}

interface Renamed {
  readonly part: HostPart;
  readonly domains: readonly string[];
}

const withDomainsQuery: Query<Renamed, HostPart> = {
  name: "virtual-host-domains",
  key: ({ part, domains }) => `${identityOf(part)}|${domains.join()}`,
  compute(_, { part, domains }) {
    const value = shared({ ...part.value, domains: [...domains] });
    const marks = part.marks.map(([node, source]) => [node === part.value ? value : node, source] as const);
    return { ...part, value, marks };
  },
};

/** The virtual host under other domains; the same object for the same ones. */
export function withDomains(read: Reader, part: HostPart, domains: readonly string[]): HostPart {
  const same = sameMembers(domains, part.value.domains ?? []);
  return same ? part : read.ask(withDomainsQuery, { part, domains });
}
