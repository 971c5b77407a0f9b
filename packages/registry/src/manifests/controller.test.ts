import { describe, expect, it } from "vitest";
import { load, object, pod } from "../../test/kubernetes-objects.ts";

describe("Deployments", () => {
  const deployment = object("Deployment", "web-v1", {
    spec: {
      selector: { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "NotIn", values: ["db"] }] },
      template: {
        metadata: { labels: { app: "web", version: "v1" } },
        spec: { serviceAccountName: "web", containers: [{ ports: [{ name: "http", containerPort: 8080 }] }] },
      },
    },
  });

  it("stand for their template while no Pod of theirs is there", () => {
    const { registry, put, collection } = load([deployment]);
    const workload = () => registry.workloads.get("Deployment/shop/web-v1");
    expect(workload()).toMatchObject({ name: "web-v1", addresses: [], serviceAccount: "web", ports: { http: 8080 } });
    put(pod("other", "10.1.0.2", { labels: { tier: "db" } }));
    expect(workload()).toBeDefined();
    put(pod("web-1", "10.1.0.1"));
    expect(workload()).toBeUndefined();
    collection.delete("Pod/shop/web-1");
    expect(workload()).toBeDefined();
  });

  it("hide their ReplicaSets", () => {
    const replicaSet = object("ReplicaSet", "web-v1-abc", {
      metadata: { ownerReferences: [{ kind: "Deployment", name: "web-v1", controller: true }] },
      spec: deployment.spec,
    });
    const { registry, collection } = load([deployment, replicaSet]);
    expect([...registry.workloads.keys()]).toEqual(["Deployment/shop/web-v1"]);
    collection.delete("Deployment/shop/web-v1");
    expect([...registry.workloads.keys()]).toEqual(["ReplicaSet/shop/web-v1-abc"]);
  });
});
