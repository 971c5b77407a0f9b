import type { Service } from "@fairlead/model";
import { type KubernetesObject, manifestsRegistry } from "@fairlead/registry/manifests";
import { describe, expect, it } from "vitest";
import { conformanceLines, hasConformanceData } from "./conformance.ts";
import { upstreamProtocol, upstreamResolution } from "./upstream-words.ts";

interface Case {
  readonly id: string;
  readonly doc: KubernetesObject;
  readonly nsAnnotations?: Record<string, string>;
  readonly service: Record<string, unknown>;
}

/** What upstream's service holds and ours does not, with the reason. */
const LEFT_OUT = new Map([
  ["type", "the Service's type has no effect of its own on what is served"],
  ["clusterExternalPorts", "node ports as gateway addresses are reported as unsupported"],
]);

describe.runIf(hasConformanceData())("Kubernetes Service conversion agrees with Istio's", () => {
  const cases = conformanceLines<Case>("serviceregistry/kubernetes-service.jsonl");

  it(`on all of ${cases.length} Services`, () => {
    const different = cases.filter((testCase) => {
      const expected = Object.fromEntries(Object.entries(testCase.service).filter(([key]) => !LEFT_OUT.has(key)));
      try {
        expect(convert(testCase)).toEqual(expected);
        return false;
      } catch (difference) {
        console.error(testCase.id, String(difference));
        return true;
      }
    });
    console.info(`Kubernetes Service conversion: ${cases.length - different.length} of ${cases.length} agree`);
    for (const [field, reason] of LEFT_OUT) console.info(`  not compared: ${field} (${reason})`);
    expect(different.map(({ id }) => id)).toEqual([]);
  });

  it("reports what it leaves out", () => {
    const nodePorts = cases.filter(({ service }) => service.clusterExternalPorts !== undefined);
    expect(nodePorts.length).toBeGreaterThan(0);
    for (const { doc } of nodePorts)
      expect(manifestsRegistry([doc]).diagnostics()).toMatchObject([{ code: "unsupported-field" }]);
  });
});

function convert({ doc, nsAnnotations: annotations }: Case): unknown {
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: doc.metadata.namespace ?? "default" } };
  const objects = annotations ? [doc, { ...namespace, metadata: { ...namespace.metadata, annotations } }] : [doc];
  const services = [...manifestsRegistry(objects).services.values()];
  expect(services).toHaveLength(1);
  return services.map(inUpstreamWords)[0];
}

const DISTRIBUTIONS = { PreferSameZone: "prefer-same-zone", PreferSameNode: "prefer-same-node" };

function inUpstreamWords(service: Service) {
  const addresses = service.addresses.length > 0 ? service.addresses : ["0.0.0.0"];
  return {
    clusterVIPs: { Kubernetes: addresses },
    defaultAddress: addresses[0],
    exportTo: [...service.exportTo].sort(),
    externalName: service.externalName ?? "",
    hostname: service.hostname,
    ...(service.selector && { labelSelectors: service.selector }),
    ...(Object.keys(service.labels).length > 0 && { labels: service.labels }),
    meshExternal: service.meshExternal,
    name: service.name,
    namespace: service.namespace,
    nodeLocal: service.nodeLocal ?? false,
    ports: service.ports.map(({ name, number, protocol }) => ({
      name,
      port: number,
      protocol: upstreamProtocol(protocol),
    })),
    publishNotReadyAddresses: service.publishNotReadyAddresses ?? false,
    resolution: upstreamResolution(service.resolution),
    serviceAccounts: service.subjectAltNames,
    trafficDistribution: service.trafficDistribution ? DISTRIBUTIONS[service.trafficDistribution] : "any",
  };
}
