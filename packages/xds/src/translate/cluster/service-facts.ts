import { endpointsOf, meshConfigOf, type Query, type Reader, trustDomainOf } from "@fairlead/mesh";
import { type Service, serviceKey, structurallyEqual } from "@fairlead/model";

/** What clusters need to know of a service's endpoints: it stays the same when they merely come and go. */
export interface EndpointFacts {
  /** SPIFFE IDs of the endpoints and names that the service lists, over all trust domains that count; sorted. */
  readonly identities: readonly string[];
  /** Port names that have endpoints, and whether all of these take mesh mTLS. */
  readonly portsTakeMutualTls: Readonly<Record<string, boolean>>;
}

const facts: Query<Service, EndpointFacts> = {
  name: "endpoint-facts",
  key: serviceKey,
  compute(read, { hostname, namespace }) {
    const service = (read.bucket("host", hostname) ?? []).find((one) => one.namespace === namespace);
    if (!service) return { identities: [], portsTakeMutualTls: {} };
    const trustDomain = trustDomainOf(read);
    const aliases = meshConfigOf(read).trustDomainAliases ?? [];
    const identities = new Set(service.subjectAltNames);
    const portsTakeMutualTls: Record<string, boolean> = {};
    for (const endpoint of endpointsOf(read, service)) {
      if (endpoint.serviceAccount) {
        const account = endpoint.serviceAccount;
        identities.add(
          account.startsWith("spiffe://") ? account : `spiffe://${trustDomain}/ns/${endpoint.namespace}/sa/${account}`,
        );
      }
      for (const port in endpoint.ports)
        portsTakeMutualTls[port] = (portsTakeMutualTls[port] ?? true) && endpoint.tlsMode === "istio";
    }
    for (const identity of [...identities]) {
      const path = /^spiffe:\/\/[^/]+(\/.*)$/.exec(identity)?.[1];
      if (path) for (const alias of aliases) identities.add(`spiffe://${alias}${path}`);
    }
    return { identities: [...identities].sort(), portsTakeMutualTls };
  },
  equal: structurallyEqual,
};

export function endpointFacts(read: Reader, service: Service): EndpointFacts {
  return read.ask(facts, service);
}
