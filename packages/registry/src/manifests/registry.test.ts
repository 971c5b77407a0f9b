import { textStore } from "@fairlead/config";
import { MemoryCollection } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { load, object, pod, service, slice } from "../../test/kubernetes-objects.ts";
import { registryContract } from "../testing/contract.ts";
import { joinCollections } from "./join.ts";
import { type KubernetesObject, kubernetesObjectKey } from "./object.ts";
import { manifestsRegistry } from "./registry.ts";

registryContract({ describe, it }, "manifestsRegistry (EndpointSlices)", () => {
  const { registry, collection } = load([]);
  return {
    registry,
    set: (addresses) =>
      void collection.replace(
        new Map([
          ["service", { ...service }],
          ["slice", slice(addresses.map((address) => ({ addresses: [address] })))],
        ]),
      ),
    remove: () => void collection.replace(new Map()),
  };
});

registryContract({ describe, it }, "manifestsRegistry (joined collections)", () => {
  const services = new MemoryCollection<KubernetesObject>();
  const slices = new MemoryCollection<KubernetesObject>();
  return {
    registry: manifestsRegistry(joinCollections([services, slices])),
    set: (addresses) => {
      slices.set("slice", slice(addresses.map((address) => ({ addresses: [address] }))));
      services.set("service", { ...service });
    },
    remove: () => {
      services.delete("service");
      slices.delete("slice");
    },
  };
});

registryContract({ describe, it }, "manifestsRegistry (Pods)", () => {
  const { registry, collection } = load([]);
  return {
    registry,
    set: (addresses) =>
      void collection.replace(
        new Map(
          [service, ...addresses.map((ip, index) => pod(`web-${index}`, ip))].map((one) => [
            kubernetesObjectKey(one),
            one,
          ]),
        ),
      ),
    remove: () => void collection.replace(new Map()),
  };
});

describe("bad input", () => {
  it("is reported by field, all at once, and the rest of the object stands", () => {
    const { registry } = load([
      object("Service", "web", {
        spec: { ports: [{ port: 80 }, { port: "81" }, { port: 70000 }], selector: ["app"], clusterIP: 5 },
      }),
    ]);
    expect(registry.diagnostics().map(({ code, path }) => `${code} ${path}`)).toEqual([
      "wrong-type spec.clusterIP",
      "wrong-type spec.selector",
      "wrong-type spec.ports[1].port",
      "wrong-type spec.ports[2].port",
    ]);
    expect(registry.services.get("shop/web.shop.svc.cluster.local")?.ports).toHaveLength(1);
  });

  it.each([
    ["no metadata", { apiVersion: "v1", kind: "Pod" }, ["missing-name"]],
    ["spec is text", object("Pod", "p", { spec: "x", status: [] }), ["wrong-type", "wrong-type"]],
    ["another group's Service", { ...service, apiVersion: "serving.knative.dev/v1" }, []],
    ["another kind", object("Secret", "s"), []],
    ["no object at all", "text", []],
  ])("%s", (_, value, codes) => {
    const collection = new MemoryCollection<KubernetesObject>();
    collection.set("one", value as KubernetesObject);
    const registry = manifestsRegistry(collection);
    expect(registry.diagnostics().map(({ code }) => code)).toEqual(codes);
    expect([...registry.services.values()]).toEqual([]);
  });

  it("is placed, and takes its namespace, where the text says", () => {
    const text = "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec:\n  publishNotReadyAddresses: maybe\n";
    const registry = manifestsRegistry(textStore({ "web.yaml": text }, { defaultNamespace: "shop" }).documents);
    expect([...registry.services.keys()]).toEqual(["shop/web.shop.svc.cluster.local"]);
    expect(registry.diagnostics()).toMatchObject([{ position: { file: "web.yaml", line: 5 } }]);
    const annotated = [
      "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  annotations:\n",
      "    traffic.istio.io/nodeSelector: '{}'\nspec: { type: NodePort, ports: [{ port: 80, nodePort: 30080 }] }\n",
    ].join("");
    expect(manifestsRegistry(textStore({ "web.yaml": annotated }).documents).diagnostics()).toMatchObject([
      { path: 'metadata.annotations["traffic.istio.io/nodeSelector"]', position: { line: 6, column: 5 } },
    ]);
  });

  it("a list prints as its items", () => {
    const { registry } = load([{ apiVersion: "v1", kind: "List", metadata: { name: "" }, items: [service] }]);
    expect([...registry.services.keys()]).toEqual(["shop/web.shop.svc.cluster.local"]);
  });
});
