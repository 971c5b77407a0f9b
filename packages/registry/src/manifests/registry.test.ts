import { textStore } from "@fairlead/config";
import { MemoryCollection } from "@fairlead/model";
import { describe, expect, it } from "vitest";
import { registryContract } from "../testing/contract.ts";
import { joinCollections } from "./join.ts";
import { type KubernetesObject, kubernetesObjectKey, kubernetesObjects } from "./object.ts";
import type { ManifestsRegistryOptions } from "./options.ts";
import { manifestsRegistry } from "./registry.ts";

type Parts = { metadata?: object; spec?: unknown; status?: unknown; [field: string]: unknown };

const VERSIONS: Record<string, string> = {
  EndpointSlice: "discovery.k8s.io/v1",
  Deployment: "apps/v1",
  ReplicaSet: "apps/v1",
};
const object = (kind: string, name: string, { metadata, ...rest }: Parts = {}): KubernetesObject => ({
  apiVersion: VERSIONS[kind] ?? "v1",
  kind,
  metadata: { name, namespace: "shop", ...metadata },
  ...rest,
});
const service = object("Service", "web", {
  spec: { clusterIP: "10.96.0.1", selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
});
const pod = (
  name: string,
  ip: string,
  parts: { labels?: object; ready?: string; spec?: object; metadata?: object } = {},
) =>
  object("Pod", name, {
    metadata: { labels: { app: "web", "security.istio.io/tlsMode": "istio", ...parts.labels }, ...parts.metadata },
    spec: {
      serviceAccountName: "web",
      nodeName: "node1",
      containers: [{ name: "web", ports: [{ name: "http", containerPort: 8080 }] }],
      ...parts.spec,
    },
    status: { phase: "Running", podIP: ip, conditions: [{ type: "Ready", status: parts.ready ?? "True" }] },
  });
const slice = (endpoints: readonly object[], more: object = {}) =>
  object("EndpointSlice", "web-1", {
    metadata: { labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", port: 8080 }],
    endpoints,
    ...more,
  });
const node = object("Node", "node1", {
  metadata: {
    namespace: undefined,
    labels: {
      "topology.kubernetes.io/region": "r1",
      "topology.kubernetes.io/zone": "z1",
      "topology.istio.io/subzone": "s1",
    },
  },
});
const ENDPOINTS = "shop/web.shop.svc.cluster.local#web-1";
const load = (objects: readonly KubernetesObject[], options: ManifestsRegistryOptions = {}) => {
  const collection = kubernetesObjects(objects);
  const put = (value: KubernetesObject) => collection.set(kubernetesObjectKey(value), value);
  return { registry: manifestsRegistry(collection, options), put, collection };
};

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

describe("EndpointSlices", () => {
  const toPod = (name: string, ip: string, conditions: object = {}) => ({
    addresses: [ip],
    conditions,
    targetRef: { kind: "Pod", name, namespace: "shop" },
  });

  it("take identity, labels and locality from their Pods", () => {
    const { registry } = load([service, pod("web-1", "10.1.0.1"), node, slice([toPod("web-1", "10.1.0.1")])]);
    expect(registry.endpoints.get(ENDPOINTS)).toMatchObject({
      hostname: "web.shop.svc.cluster.local",
      endpoints: [
        {
          addresses: ["10.1.0.1"],
          ports: { http: 8080 },
          serviceAccount: "web",
          tlsMode: "istio",
          locality: { region: "r1" },
          workloadName: "web-1",
        },
      ],
    });
  });

  it("leave out a Pod that is not known, and take it in when it comes", () => {
    const { registry, put } = load([service, slice([toPod("web-1", "10.1.0.1")])]);
    expect(registry.endpoints.get(ENDPOINTS)).toBeUndefined();
    expect(registry.diagnostics()).toMatchObject([{ code: "pod-not-found", path: "endpoints[0].addresses[0]" }]);
    put(pod("web-1", "10.1.0.1"));
    expect(registry.endpoints.get(ENDPOINTS)?.endpoints).toHaveLength(1);
    expect(registry.diagnostics()).toEqual([]);
  });

  it("without a target, guess the Pod of the namespace by its address, or have none", () => {
    const { registry } = load([service, pod("web-1", "10.1.0.1"), slice([{ addresses: ["10.1.0.1", "192.0.2.1"] }])]);
    expect(registry.endpoints.get(ENDPOINTS)?.endpoints).toMatchObject([
      { addresses: ["10.1.0.1"], serviceAccount: "web" },
      { addresses: ["192.0.2.1"], serviceAccount: "", tlsMode: "disabled" },
    ]);
  });

  const notReady = { ready: false, serving: false, terminating: false };
  const draining = { ready: false, serving: true, terminating: true };
  const labelled = {
    ...service,
    metadata: { ...service.metadata, labels: { "istio.io/persistent-session": "cookie" } },
  };
  const publishing = { ...service, spec: { ...(service.spec as object), publishNotReadyAddresses: true } };
  it.each([
    ["ready", service, { ready: true }, ["healthy"]],
    ["unknown counts as ready", service, {}, ["healthy"]],
    ["not ready", service, notReady, []],
    ["not ready, published", publishing, notReady, ["unhealthy"]],
    ["terminating", service, draining, []],
    ["draining where sessions are kept", labelled, draining, ["draining"]],
    ["terminating where sessions are kept", labelled, { ...draining, serving: false }, []],
  ])("%s", (_, owner, conditions, health) => {
    const { registry } = load([owner, slice([{ addresses: ["10.1.0.1"], conditions }])]);
    expect((registry.endpoints.get(ENDPOINTS)?.endpoints ?? []).map((endpoint) => endpoint.health)).toEqual(health);
  });

  it("make one endpoint of a dual-stack Pod when asked to", () => {
    const dual = { ...service, spec: { ...(service.spec as object), clusterIPs: ["10.96.0.1", "fd00::1"] } };
    const both = {
      ...pod("web-1", ""),
      status: { podIP: "10.1.0.1", podIPs: [{ ip: "10.1.0.1" }, { ip: "fd00::9" }] },
    };
    const four = slice([toPod("web-1", "10.1.0.1")]);
    const six = {
      ...slice([toPod("web-1", "fd00::9")], { addressType: "IPv6" }),
      metadata: { ...four.metadata, name: "web-6" },
    };
    const addresses = (options: ManifestsRegistryOptions) =>
      [...load([dual, both, four, six], options).registry.endpoints.values()].flatMap(({ endpoints }) =>
        endpoints.map((endpoint) => endpoint.addresses.join()),
      );
    expect(addresses({ dualStack: true })).toEqual(["10.1.0.1,fd00::9"]);
    expect(addresses({})).toEqual(["10.1.0.1", "fd00::9"]);
  });

  it("by name are reported", () => {
    const { registry } = load([service, slice([{ addresses: ["a.test"] }], { addressType: "FQDN" })]);
    expect(registry.diagnostics()).toMatchObject([{ code: "unsupported-field", path: "addressType" }]);
  });

  it("push aside an Endpoints object of the same service", () => {
    const endpoints = object("Endpoints", "web", {
      subsets: [
        {
          addresses: [{ ip: "10.2.0.1" }],
          notReadyAddresses: [{ ip: "10.2.0.2" }],
          ports: [{ name: "http", port: 8080 }],
        },
      ],
    });
    const { registry, put } = load([service, endpoints]);
    const addresses = () =>
      [...registry.endpoints.values()].flatMap((given) => given.endpoints.map((one) => one.addresses[0]));
    expect(addresses()).toEqual(["10.2.0.1"]);
    put(slice([{ addresses: ["10.1.0.1"] }]));
    expect(addresses()).toEqual(["10.1.0.1"]);
  });
});

describe("Services", () => {
  const convert = (spec: object, parts: Parts = {}, options: ManifestsRegistryOptions = {}) => {
    const { registry } = load([object("Service", "web", { spec, ...parts })], options);
    return { service: [...registry.services.values()][0], diagnostics: registry.diagnostics() };
  };

  it.each([
    ["headless", { clusterIP: "None" }, { resolution: "Passthrough", headless: true, addresses: [] }],
    [
      "an alias",
      { type: "ExternalName", externalName: "a.test" },
      { resolution: "Alias", externalName: "a.test", meshExternal: true },
    ],
    [
      "dual stack",
      { clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1", "fd00::1"] },
      { addresses: ["10.0.0.1", "fd00::1"] },
    ],
    ["sticky", { sessionAffinity: "ClientIP" }, { sessionAffinity: true }],
    ["close", { trafficDistribution: "PreferClose" }, { trafficDistribution: "PreferSameZone" }],
    ["same node", { trafficDistribution: "PreferSameNode" }, { trafficDistribution: "PreferSameNode" }],
    ["reachable from outside", { externalIPs: ["192.0.2.1"] }, { externalAddresses: ["192.0.2.1"] }],
  ])("%s", (_, spec, expected) => {
    expect(convert(spec)).toMatchObject({ service: expected, diagnostics: [] });
  });

  it("have the addresses of their load balancer, names unresolved", () => {
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.1", hostname: "a.test" }, { hostname: "b.test" }] } };
    expect(convert({ type: "LoadBalancer" }, { status }).service?.externalAddresses).toEqual(["192.0.2.1", "b.test"]);
  });

  it("have the names of their certificates from annotations", () => {
    const annotations = {
      "alpha.istio.io/canonical-serviceaccounts": "spiffe://a/x",
      "alpha.istio.io/kubernetes-serviceaccounts": "one, bad name",
    };
    const { service: converted, diagnostics } = convert({}, { metadata: { annotations } }, { trustDomain: "td.test" });
    expect(converted?.subjectAltNames).toEqual(["spiffe://a/x", "spiffe://td.test/ns/shop/sa/one"]);
    expect(diagnostics).toMatchObject([{ code: "invalid-identity" }]);
  });

  it("follow their namespace's traffic distribution", () => {
    const { registry, put } = load([service]);
    const distribution = () => registry.services.get("shop/web.shop.svc.cluster.local")?.trafficDistribution;
    expect(distribution()).toBeUndefined();
    put(
      object("Namespace", "shop", {
        metadata: { annotations: { "networking.istio.io/traffic-distribution": "PreferClose" } },
      }),
    );
    expect(distribution()).toBe("PreferSameZone");
    expect(registry.namespaces.get("shop")?.name).toBe("shop");
  });

  it("report node-local traffic, which is not served", () => {
    expect(convert({ internalTrafficPolicy: "Local" }).diagnostics).toMatchObject([
      { code: "unsupported-field", path: "spec.internalTrafficPolicy", object: { kind: "Service", name: "web" } },
    ]);
  });
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
    const text = "apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec:\n  internalTrafficPolicy: Local\n";
    const registry = manifestsRegistry(textStore({ "web.yaml": text }, { defaultNamespace: "shop" }).documents);
    expect([...registry.services.keys()]).toEqual(["shop/web.shop.svc.cluster.local"]);
    expect(registry.diagnostics()).toMatchObject([{ position: { file: "web.yaml", line: 5 } }]);
  });

  it("a list prints as its items", () => {
    const { registry } = load([{ apiVersion: "v1", kind: "List", metadata: { name: "" }, items: [service] }]);
    expect([...registry.services.keys()]).toEqual(["shop/web.shop.svc.cluster.local"]);
  });
});
