import { describe, expect, it } from "vitest";
import { load, node, object, pod } from "../../test/kubernetes-objects.ts";
import type { KubernetesObject } from "./object.ts";
import type { ManifestsRegistryOptions } from "./options.ts";

describe("Pods", () => {
  it("are workloads with the locality of their node, and follow it", () => {
    const { registry, put } = load([pod("web-1", "10.1.0.1")]);
    const workload = () => registry.workloads.get("Pod/shop/web-1");
    expect(workload()).toMatchObject({
      addresses: ["10.1.0.1"],
      serviceAccount: "web",
      tlsMode: "istio",
      health: "healthy",
      ports: { http: 8080 },
      locality: { region: "", zone: "", subzone: "" },
      nodeName: "node1",
    });
    put(node);
    expect(workload()?.locality).toEqual({ region: "r1", zone: "z1", subzone: "s1" });
    expect(workload()?.labels).toMatchObject({
      "topology.kubernetes.io/zone": "z1",
      "kubernetes.io/hostname": "node1",
      "topology.istio.io/cluster": "Kubernetes",
    });
  });

  it.each([
    ["own label wins over the node's", { "istio-locality": "r9.z9" }, { region: "r9", zone: "z9", subzone: "" }],
    [
      "the newer label wins",
      { "istio-locality": "r9", "topology.istio.io/locality": "r8" },
      { region: "r8", zone: "", subzone: "" },
    ],
  ])("locality: %s", (_, labels, locality) => {
    const { registry } = load([pod("web-1", "10.1.0.1", { labels }), node]);
    expect(registry.workloads.get("Pod/shop/web-1")?.locality).toEqual(locality);
  });

  it.each([
    ["not ready", pod("p", "10.1.0.1", { ready: "False" }), "unhealthy"],
    ["being deleted", pod("p", "10.1.0.1", { metadata: { deletionTimestamp: "2024-01-01T00:00:00Z" } }), "terminating"],
    ["without conditions", { ...pod("p", ""), status: { podIP: "10.1.0.1" } }, "healthy"],
    ["finished", { ...pod("p", ""), status: { phase: "Succeeded", podIP: "10.1.0.1" } }, undefined],
  ])("%s: %s", (_, value, health) => {
    expect(load([value]).registry.workloads.get("Pod/shop/p")?.health).toBe(health);
  });

  it("are named after what controls them", () => {
    const owned = (kind: string, name: string, labels: object) =>
      pod("p", "10.1.0.1", {
        labels,
        metadata: { generateName: `${name}-`, labels, ownerReferences: [{ kind, name, controller: true }] },
      });
    const nameOf = (value: KubernetesObject) => load([value]).registry.workloads.get("Pod/shop/p")?.workloadName;
    expect(nameOf(owned("ReplicaSet", "web-v1-5d4c", { "pod-template-hash": "5d4c" }))).toBe("web-v1");
    expect(nameOf(owned("StatefulSet", "db", {}))).toBe("db");
    expect(nameOf(owned("Job", "backup-28012345", {}))).toBe("backup");
    expect(nameOf(owned("ReplicationController", "web-1", { deploymentconfig: "web" }))).toBe("web");
    expect(nameOf(owned("StatefulSet", "db", { "service.istio.io/workload-name": "own" }))).toBe("own");
    expect(nameOf(pod("p", "10.1.0.1"))).toBe("p");
  });

  it("take their network from the label, the options, or the system namespace", () => {
    const system = object("Namespace", "istio-system", {
      metadata: { labels: { "topology.istio.io/network": "sys" } },
    });
    const network = (objects: KubernetesObject[], options: ManifestsRegistryOptions = {}) =>
      load(objects, options).registry.workloads.get("Pod/shop/p")?.network;
    const labelled = pod("p", "10.1.0.1", { labels: { "topology.istio.io/network": "own" } });
    expect(network([labelled, system], { network: "opt" })).toBe("own");
    expect(network([pod("p", "10.1.0.1"), system], { network: "opt" })).toBe("opt");
    expect(network([pod("p", "10.1.0.1"), system])).toBe("sys");
    expect(network([pod("p", "10.1.0.1")])).toBe("");
  });

  it("have the ports of native sidecars too, the first of a name, TCP only", () => {
    const spec = {
      containers: [
        {
          ports: [
            { name: "a", containerPort: 1 },
            { name: "a", containerPort: 2 },
            { name: "u", containerPort: 3, protocol: "UDP" },
          ],
        },
      ],
      initContainers: [
        { ports: [{ name: "once", containerPort: 4 }] },
        { restartPolicy: "Always", ports: [{ name: "side", containerPort: 5 }] },
      ],
    };
    expect(load([pod("p", "10.1.0.1", { spec })]).registry.workloads.get("Pod/shop/p")?.ports).toEqual({
      a: 1,
      side: 5,
    });
  });
});
