import type { ConfigObject } from "@fairlead/config";
import { type Endpoint, formatLocality, MemoryCollection, type Service } from "@fairlead/model";
import { serviceEntryRegistry } from "@fairlead/registry";
import { describe, expect, it } from "vitest";
import { conformanceLines, hasConformanceData } from "./conformance.ts";
import { upstreamProtocol, upstreamResolution } from "./upstream-words.ts";

interface Case {
  readonly id: string;
  readonly doc: {
    readonly metadata: { readonly name: string; readonly namespace: string; readonly labels?: Record<string, string> };
    readonly spec: ConfigObject<"ServiceEntry">["spec"];
    readonly status?: unknown;
  };
  readonly services: readonly unknown[];
  readonly instances: readonly { readonly endpoint: { readonly serviceAccount: string } }[];
}

describe.runIf(hasConformanceData())("ServiceEntry conversion agrees with Istio's", () => {
  const cases = conformanceLines<Case>("serviceregistry/serviceentry.jsonl");

  it(`on all of ${cases.length} entries`, () => {
    const different = cases.filter((testCase) => {
      const { services, endpoints } = convert(testCase);
      try {
        expect(services).toEqual(testCase.services);
        expect(sorted(endpoints)).toEqual(sorted(testCase.instances));
        return false;
      } catch (difference) {
        console.error(testCase.id, String(difference));
        return true;
      }
    });
    console.info(`ServiceEntry conversion: ${cases.length - different.length} of ${cases.length} agree`);
    expect(different.map(({ id }) => id)).toEqual([]);
  });
});

function convert({ doc }: Case) {
  const config = new MemoryCollection<ConfigObject>();
  const { name, namespace, labels = {} } = doc.metadata;
  const metadata = { name, namespace, labels, annotations: {} };
  config.set(name, {
    kind: "ServiceEntry",
    apiVersion: "networking.istio.io/v1",
    metadata,
    spec: doc.spec,
    status: doc.status,
  });
  const registry = serviceEntryRegistry(config);
  const all = [...registry.services.values()];
  return {
    services: all.flatMap(inUpstreamWords),
    endpoints: [...registry.endpoints.values()].flatMap((given) => {
      const service = registry.services.get(`${given.namespace}/${given.hostname}`);
      return given.endpoints.flatMap((endpoint) => (service ? instances(service, endpoint) : []));
    }),
  };
}

/** Upstream makes one service per address. */
function inUpstreamWords(service: Service) {
  return (service.addresses.length > 0 ? service.addresses : ["0.0.0.0"]).map((defaultAddress) => ({
    defaultAddress,
    exportTo: [...service.exportTo].sort(),
    hostname: service.hostname,
    meshExternal: service.meshExternal,
    name: service.name,
    namespace: service.namespace,
    ports: service.ports.map(({ name, number, protocol }) => ({
      name,
      port: number,
      protocol: upstreamProtocol(protocol),
    })),
    resolution: upstreamResolution(service.resolution),
    ...(Object.keys(service.labels).length > 0 && { labels: service.labels }),
    ...(Object.keys(service.selector ?? {}).length > 0 && { labelSelectors: service.selector }),
    ...(service.subjectAltNames.length > 0 && { serviceAccounts: service.subjectAltNames }),
  }));
}

/** Upstream makes one instance per port, and writes no scheme before the path of a socket. */
function instances(service: Service, endpoint: Endpoint) {
  return service.ports.map((port) => ({
    endpoint: {
      addresses: endpoint.addresses.length > 0 ? endpoint.addresses.map((one) => one.replace(/^unix:\/\//, "")) : [""],
      endpointPort: endpoint.ports[port.name],
      ...(Object.keys(endpoint.labels).length > 0 && { labels: endpoint.labels }),
      lbWeight: endpoint.weight ?? 0,
      locality: formatLocality(endpoint.locality),
      namespace: endpoint.namespace,
      network: endpoint.network,
      serviceAccount: endpoint.serviceAccount,
      servicePortName: port.name,
      tlsMode: endpoint.tlsMode,
      workloadName: endpoint.workloadName,
    },
    hostname: service.hostname,
    servicePort: port.number,
  }));
}

function sorted(list: readonly unknown[]): readonly unknown[] {
  return [...list].sort((a, b) => (JSON.stringify(a, keysSorted) < JSON.stringify(b, keysSorted) ? -1 : 1));
}

function keysSorted(_: string, value: unknown): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}
