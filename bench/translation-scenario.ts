import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type MeshConfig, textStore } from "@fairlead/config";
import {
  Derivations,
  destinationRuleOf,
  egressVirtualServices,
  gatewaysOf,
  type Mesh,
  type Query,
  type Reader,
  serviceTargetsOf,
  sidecarScopeOf,
  virtualServicesOf,
  visibleServices,
} from "@fairlead/mesh";
import { type ProxyNode, parseNode } from "@fairlead/model";
import { aggregateRegistry, serviceEntryRegistry } from "@fairlead/registry";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { GENERATORS } from "@fairlead/xds/translate";
// Not for users: the server's own ways to bytes.
import { encodeGenerated } from "../packages/xds/src/encoded-resource.ts";
import { encodeImmutable } from "../packages/xds/src/proto/codec.ts";

import { meshOf } from "./mesh.ts";

export type Type = "clusters" | "endpoints" | "listeners" | "routes";

const TYPE_URLS: Readonly<Record<Type, string>> = {
  clusters: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoints: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  listeners: "type.googleapis.com/envoy.config.listener.v3.Listener",
  routes: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
};

const MESH_CONFIG: MeshConfig = {
  extensionProviders: [{ name: "envoy-json", envoyFileAccessLog: { path: "/dev/stdout", logFormat: { labels: {} } } }],
};

export interface Scenario {
  readonly mesh: Mesh;
  readonly node: ProxyNode;
}

/** An input of Istio's benchmarks, with the proxy that they ask for. */
export async function scenarioOf(name: string): Promise<Scenario> {
  const file = join(import.meta.dirname, "../../shared/bench/scenarios", `${name}.yaml`);
  const store = textStore({ [`${name}.yaml`]: readFileSync(file, "utf8") }, { duplicateKeys: "last" });
  const registry = aggregateRegistry([manifestsRegistry(store.documents), serviceEntryRegistry(store)]);
  return { mesh: await meshOf(store.values(), registry, MESH_CONFIG), node: nodeOf(name) };
}

function nodeOf(name: string): ProxyNode {
  const type = /gateway/.test(name) ? "router" : "sidecar";
  const { node } = parseNode({
    id: `${type}~1.1.1.1~v0.default~default.example.org`,
    metadata: { NAMESPACE: "default", CLUSTER_ID: "Kubernetes", LABELS: { "istio.io/benchmark": "true" } },
  });
  if (!node) throw new Error("the node of the benchmark cannot be read");
  return node;
}

/** Everything from nothing, as a server does for its first proxy: derived, made, encoded and hashed. Gives how many resources. */
export function everything({ mesh, node }: Scenario, type: Type): number {
  const derivations = new Derivations(mesh);
  return make(derivations, node, type, unitNames(derivations, node, type), (generated) =>
    encodeGenerated(TYPE_URLS[type], generated),
  );
}

/** Gives work to be timed, once. What is done before it is given is not timed. */
export type Prepare = () => () => void;

/** {@link everything}: nothing is there before. */
export function fromNothing(scenario: Scenario, type: Type): Prepare {
  return () => () => void everything(scenario, type);
}

/**
 * What one `Generate` of Istio is measured with: what a push context and the proxy's scope hold is there, and the names that the
 * proxy asks for are known where Istio's benchmark is given them. The rest is derived, made and encoded, and not hashed.
 */
export function generateAlone({ mesh, node }: Scenario, type: Type): Prepare {
  const asked = type === "routes" || type === "endpoints" ? unitNames(new Derivations(mesh), node, type) : undefined;
  return () => {
    const derivations = new Derivations(mesh);
    derivations.ask(pushContext, undefined, node);
    return () =>
      void make(derivations, node, type, asked ?? unitNames(derivations, node, type), ({ resource }) =>
        encodeImmutable(TYPE_URLS[type], resource),
      );
  };
}

/**
 * As Istio's `PushContext.InitContext`, `SetSidecarScope`, `SetGatewaysForProxy` and `SetServiceTargets`: who sees which services,
 * VirtualServices with their delegates by gateway, the DestinationRule of each visible service, the servers of the gateway put
 * together, what the workload serves. Nothing that Istio works out in `Generate` (plans of listeners, routes of a host, policies of
 * the workload, mTLS).
 */
const pushContext: Query<void, void> = {
  name: "push-context",
  key: () => "",
  compute(read) {
    serviceTargetsOf(read);
    if (read.fact("type", ({ type }) => type) === "router") gatewayContext(read);
    else sidecarContext(read);
  },
};

function gatewayContext(read: Reader): void {
  for (const service of visibleServices(read)) destinationRuleOf(read, service);
  // The names of routes are those of the servers, put together.
  GENERATORS.routes.units(read);
  for (const { metadata } of gatewaysOf(read)) virtualServicesOf(read, `${metadata.namespace}/${metadata.name}`);
}

function sidecarContext(read: Reader): void {
  const { egress, services } = sidecarScopeOf(read);
  for (const index of egress.keys()) egressVirtualServices(read, index);
  for (const service of services) destinationRuleOf(read, service);
}

function unitNames(derivations: Derivations, node: ProxyNode, type: Type): readonly string[] {
  const names: Query<void, readonly string[]> = {
    name: "names",
    key: () => "",
    compute: (read) => GENERATORS[type].units(read),
  };
  return derivations.ask(names, undefined, node);
}

function make(
  derivations: Derivations,
  node: ProxyNode,
  type: Type,
  units: readonly string[],
  encode: (generated: ReturnType<(typeof GENERATORS)[Type]["generate"]>[number]) => void,
): number {
  const all: Query<void, number> = {
    name: "all",
    key: () => "",
    compute(read) {
      let count = 0;
      for (const unit of units)
        for (const generated of GENERATORS[type].generate(read, unit)) {
          encode(generated);
          count++;
        }
      return count;
    },
  };
  return derivations.ask(all, undefined, node);
}
