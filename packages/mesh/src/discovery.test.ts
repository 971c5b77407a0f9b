import type { LabelSelector, MeshConfig } from "@fairlead/config";
import { describe, expect, it, test } from "vitest";
import { Derivations } from "./derivation.ts";
import { Mesh } from "./mesh.ts";
import { aNode, anEndpoint, anObject, aService, aWorkload } from "./testing.ts";
import { visibleServices } from "./visible-services.ts";

const namespace = (name: string, labels: Record<string, string> = {}) => ({ name, labels, annotations: {} });
const host = (of: string) => `web.${of}.svc.cluster.local`;

function meshOf(meshConfig: MeshConfig, namespaces = [namespace("in", { mesh: "on" }), namespace("out")]): Mesh {
  const names = ["in", "out"];
  return Mesh.of({
    meshConfig,
    namespaces,
    services: names.map((of) => aService(host(of))),
    endpoints: names.map((of) => [
      `${of}/${host(of)}`,
      { hostname: host(of), namespace: of, endpoints: [anEndpoint("10.0.0.9", { namespace: of })] },
    ]),
    workloads: names.map((of) => aWorkload(`web-${of}`, { namespace: of, addresses: ["10.0.0.9"] })),
    config: names.map((of) => anObject("DestinationRule", "web", { host: "web" }, { namespace: of })),
  });
}

const shown = (mesh: Mesh) => ({
  services: [...mesh.services()].map((service) => service.namespace).sort(),
  config: [...mesh.objects("DestinationRule")].map(({ metadata }) => metadata.namespace).sort(),
  workloads: ["in", "out"].filter((of) => mesh.bucket("workloads", of)),
  endpoints: ["in", "out"].filter((of) => mesh.bucket("endpoints", `${of}/${host(of)}`)),
  host: ["in", "out"].filter((of) => mesh.bucket("host", host(of))),
  address: mesh.bucket("address", "10.0.0.9")?.map((key) => key.split("/")[0]),
  workloadAddress: mesh.bucket("workloadAddress", "10.0.0.9")?.map((workload) => workload.namespace),
});
const all = (...of: string[]) => ({
  services: of,
  config: of,
  workloads: of,
  endpoints: of,
  host: of,
  address: of.length > 0 ? of : undefined,
  workloadAddress: of.length > 0 ? of : undefined,
});

describe("discoverySelectors", () => {
  test.each<[string, LabelSelector[], string[]]>([
    ["none", [], ["in", "out"]],
    ["labels", [{ matchLabels: { mesh: "on" } }], ["in"]],
    ["any of several", [{ matchLabels: { mesh: "off" } }, { matchLabels: { mesh: "on" } }], ["in"]],
    ["the name", [{ matchLabels: { "kubernetes.io/metadata.name": "out" } }], ["out"]],
    ["In", [{ matchExpressions: [{ key: "mesh", operator: "In", values: ["on"] }] }], ["in"]],
    ["NotIn", [{ matchExpressions: [{ key: "mesh", operator: "NotIn", values: ["on"] }] }], ["out"]],
    ["Exists", [{ matchExpressions: [{ key: "mesh", operator: "Exists" }] }], ["in"]],
    ["DoesNotExist", [{ matchExpressions: [{ key: "mesh", operator: "DoesNotExist" }] }], ["out"]],
    ["nothing in particular", [{}], ["in", "out"]],
  ])("%s", (_, discoverySelectors, namespaces) => {
    expect(shown(meshOf({ discoverySelectors }))).toEqual(all(...namespaces));
  });

  it("shows nothing of a namespace that is not known", () => {
    expect(shown(meshOf({ discoverySelectors: [{}] }, [namespace("in")]))).toEqual(all("in"));
  });

  it("follows labels and settings, and derived values with it", () => {
    const selectors = { discoverySelectors: [{ matchLabels: { mesh: "on" } }] };
    const first = meshOf(selectors);
    const derivations = new Derivations(first);
    const query = {
      name: "seen",
      key: () => "",
      compute: (read: Parameters<typeof visibleServices>[0]) =>
        visibleServices(read).map((service) => service.namespace),
    };
    const seen = () => [...derivations.ask(query, undefined, aNode())].sort();
    expect(seen()).toEqual(["in"]);
    const labelled = namespace("out", { mesh: "on" });
    const second = first.apply({ namespaces: [{ key: "out", value: labelled, previous: namespace("out") }] });
    derivations.advance(second);
    expect([seen(), shown(second)]).toEqual([["in", "out"], all("in", "out")]);
    const third = second.apply({ namespaces: [{ key: "in", value: undefined, previous: namespace("in") }] });
    derivations.advance(third);
    expect(seen()).toEqual(["out"]);
    const fourth = third.apply({ meshConfig: {} });
    derivations.advance(fourth);
    expect([seen(), shown(fourth)]).toEqual([["in", "out"], all("in", "out")]);
  });
});

describe("serviceEntryVisibility", () => {
  const seenFrom = (from: string, visibility: MeshConfig["serviceEntryVisibility"], exportTo: string[] = []) => {
    const mesh = Mesh.of({
      meshConfig: visibility ? { serviceEntryVisibility: visibility } : {},
      namespaces: [namespace("in", { mesh: "on" })],
      services: [
        aService("a.test", { registry: "External", namespace: "in", exportTo }),
        aService("k.in.svc.cluster.local", { exportTo }),
      ],
    });
    const query = {
      name: "seen",
      key: () => "",
      compute: (read: Parameters<typeof visibleServices>[0]) => visibleServices(read).map(({ hostname }) => hostname),
    };
    return new Derivations(mesh).ask(query, undefined, aNode(`client-1.${from}`)).includes("a.test");
  };
  const selected = { matchingRules: [{ namespaceSelector: { matchLabels: { mesh: "on" } } }] };
  const sidecars = { applyToSidecars: true } as const;
  test.each<[NonNullable<MeshConfig["serviceEntryVisibility"]>, string[], boolean, boolean]>([
    [{ defaultVisibility: "NONE" }, [], true, true],
    [{ ...sidecars, defaultVisibility: "NONE" }, [], false, false],
    [{ ...sidecars, defaultVisibility: "NAMESPACE" }, [], true, false],
    [{ ...sidecars, defaultVisibility: "NAMESPACE" }, ["other"], false, false],
    [{ ...sidecars, defaultVisibility: "NAMESPACE" }, ["other", "."], true, false],
    [{ ...sidecars, defaultVisibility: "PUBLIC" }, ["."], true, false],
    [{ ...sidecars, defaultVisibility: "NONE", policies: [{ visibility: "PUBLIC", ...selected }] }, [], true, true],
    [{ ...sidecars, policies: [{ visibility: "NONE", matchingRules: [{}] }] }, [], true, true],
    [{ ...sidecars, policies: [{ visibility: "NAMESPACE" }] }, [], true, false],
  ])("%j, exported to %j: seen at home %s, elsewhere %s", (visibility, exportTo, home, elsewhere) => {
    expect([seenFrom("in", visibility, exportTo), seenFrom("other", visibility, exportTo)]).toEqual([home, elsewhere]);
  });
});
