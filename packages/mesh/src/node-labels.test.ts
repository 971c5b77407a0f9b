import { describe, expect, it } from "vitest";
import { Derivations } from "./derivation.ts";
import { Mesh, type MeshSources } from "./mesh.ts";
import { nodeLabel } from "./node-labels.ts";
import { aNode, anEndpoint, aService, aWorkload } from "./testing.ts";

const node = aNode("client-1.default", "10.0.0.1", { LABELS: { app: "says-itself", own: "yes" } });
const reviews = aService("reviews.default.svc.cluster.local");

function labels(sources: Omit<MeshSources, "meshConfig">, ...names: string[]) {
  const mesh = Mesh.of({ meshConfig: {}, ...sources });
  return new Derivations(mesh).ask(
    { name: "labels", key: () => "", compute: (read) => names.map((name) => nodeLabel(read, name)) },
    undefined,
    node,
  );
}

function endpoint(
  namespace: string,
  of: Record<string, string>,
  address = "10.0.0.1",
): NonNullable<MeshSources["endpoints"]> {
  const hostname = `reviews.${namespace}.svc.cluster.local`;
  return [
    [`${namespace}/${hostname}`, { hostname, namespace, endpoints: [anEndpoint(address, { namespace, labels: of })] }],
  ];
}

describe("the labels of a node", () => {
  it("are those it names where no registry knows its address", () => {
    expect(labels({ services: [reviews] }, "app", "own")).toEqual(["says-itself", "yes"]);
  });

  it("are those of the endpoint with its address", () => {
    const endpoints = endpoint("default", { app: "known" });
    expect(labels({ services: [reviews], endpoints }, "app", "own")).toEqual(["known", undefined]);
  });

  it("are those of the workload with its address", () => {
    const workloads = [aWorkload("client", { addresses: ["10.0.0.1"], labels: { app: "workload" } })];
    expect(labels({ workloads }, "app", "own")).toEqual(["workload", undefined]);
  });

  it.each([
    ["of another namespace", endpoint("other", { app: "known" })],
    ["of another address", endpoint("default", { app: "known" }, "10.0.0.2")],
    ["that only say where it is", endpoint("default", { "topology.kubernetes.io/zone": "a" })],
  ])("are not those of an endpoint %s", (_, endpoints) => {
    expect(labels({ services: [reviews], endpoints }, "app")).toEqual(["says-itself"]);
  });
});
