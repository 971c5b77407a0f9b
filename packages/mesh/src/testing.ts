import type { ConfigObject, KindName, SpecOf } from "@fairlead/config";
import { type Endpoint, type ProxyNode, parseNode, type Service, type Workload } from "@fairlead/model";

/** Small makers of the nouns for tests, each complete and overridable. */

export function aService(hostname: string, fields: Partial<Service> = {}): Service {
  const [name = hostname, namespace = "default"] = hostname.split(".");
  return {
    hostname,
    namespace,
    name,
    registry: "Kubernetes",
    ports: [{ number: 9080, name: "http", protocol: "HTTP" }],
    addresses: [],
    resolution: "ClientSideLB",
    meshExternal: false,
    exportTo: [],
    labels: {},
    subjectAltNames: [],
    source: { kind: "Service", namespace, name },
    ...fields,
  };
}

export function anEndpoint(address: string, fields: Partial<Endpoint> = {}): Endpoint {
  return {
    addresses: [address],
    ports: { http: 9080 },
    labels: {},
    namespace: "default",
    serviceAccount: "default",
    locality: { region: "", zone: "", subzone: "" },
    network: "",
    clusterId: "Kubernetes",
    health: "healthy",
    tlsMode: "istio",
    ...fields,
  };
}

export function aWorkload(name: string, fields: Partial<Workload> = {}): Workload {
  return {
    name,
    namespace: "default",
    addresses: [],
    labels: {},
    serviceAccount: "default",
    locality: { region: "", zone: "", subzone: "" },
    network: "",
    clusterId: "Kubernetes",
    health: "healthy",
    tlsMode: "istio",
    ports: {},
    workloadName: name,
    source: { kind: "Pod", namespace: fields.namespace ?? "default", name },
    ...fields,
  };
}

export function anObject<K extends KindName>(
  kind: K,
  name: string,
  spec: SpecOf<K>,
  metadata: Partial<ConfigObject["metadata"]> = {},
): ConfigObject<K> {
  return {
    kind,
    apiVersion: "networking.istio.io/v1",
    metadata: { name, namespace: "default", labels: {}, annotations: {}, ...metadata },
    spec,
  };
}

export function aNode(name = "client-1.default", ip = "10.0.0.1", metadata: Record<string, unknown> = {}): ProxyNode {
  const namespace = name.slice(name.indexOf(".") + 1);
  const { node } = parseNode({ id: `sidecar~${ip}~${name}~${namespace}.svc.cluster.local`, metadata });
  if (!node) throw new Error(`bad node ${name}`);
  return node;
}
