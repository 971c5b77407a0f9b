import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type MeshConfig, textStore } from "@fairlead/config";
import { Derivations, Mesh, type Query } from "@fairlead/mesh";
import { type ProxyNode, parseNode } from "@fairlead/model";
import { aggregateRegistry, serviceEntryRegistry } from "@fairlead/registry";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { encodeResource } from "@fairlead/xds/server";
import { GENERATORS } from "@fairlead/xds/translate";

/**
 * The inputs of Istio's own benchmarks, one proxy, cold: the milliseconds that Istio needs for one `Generate` of each type
 * (least of two passes, on 2 vCPU). Waypoints need objects of the Gateway API and are left out.
 */
const ISTIO: Readonly<Record<string, Partial<Record<Type, number>>>> = {
  gateways: { routes: 66.032, clusters: 19.485, listeners: 26.778 },
  "gateways-shared": { routes: 111.542, clusters: 17.345, listeners: 0.0656 },
  "knative-gateway": { routes: 8.149, clusters: 0.041, listeners: 0.0553 },
  http: { routes: 0.8322, clusters: 2.279, listeners: 0.2887 },
  tcp: { clusters: 2.184, listeners: 1.397 },
  tls: { clusters: 2.463, listeners: 0.9889 },
  auto: { routes: 2.443, clusters: 3.006, listeners: 3.718 },
  strict: { listeners: 0.2387 },
  disabled: { listeners: 0.2059 },
  externalname: { routes: 0.1394, clusters: 0.0696, listeners: 0.2156 },
  "telemetry-api": { routes: 1.107, clusters: 8.516, listeners: 2.962 },
  virtualservice: { routes: 2.197, clusters: 1.816, listeners: 0.1699 },
  authorizationpolicy: { listeners: 1.594 },
  "serviceentry-workloadentry": { routes: 2.125, clusters: 10.551, listeners: 2.622 },
  "eds-1x100": { endpoints: 1.093 },
  "eds-10x10": { endpoints: 1.031 },
  "eds-100x10": { endpoints: 8.3 },
  "eds-1000x1": { endpoints: 8.169 },
};

/**
 * What Istio spends before that on the same input, in milliseconds: its push context and the proxy's scope, from all objects. What
 * ours derives in its place (visible services, scope, rules by host) is in our time.
 */
const PUSH_CONTEXT: Readonly<Record<string, number>> = {
  gateways: 24.996,
  "gateways-shared": 10.093,
  "knative-gateway": 0.0944,
  http: 0.2933,
  tcp: 0.305,
  tls: 0.3936,
  auto: 0.3858,
  strict: 0.0245,
  disabled: 0.0193,
  externalname: 0.4351,
  "telemetry-api": 0.4278,
  virtualservice: 0.43,
  authorizationpolicy: 0.1249,
  "serviceentry-workloadentry": 0.6493,
};

type Type = "clusters" | "endpoints" | "listeners" | "routes";

const TYPE_URLS: Readonly<Record<Type, string>> = {
  clusters: "type.googleapis.com/envoy.config.cluster.v3.Cluster",
  endpoints: "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
  listeners: "type.googleapis.com/envoy.config.listener.v3.Listener",
  routes: "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
};

/**
 * Milliseconds of {@link reference} on a machine of the kind that Istio's figures are from (2 vCPU, shared). Not measured
 * in the same hour as those, so that ratios are good to about a third.
 */
const REFERENCE = 22;

const MESH_CONFIG: MeshConfig = {
  extensionProviders: [{ name: "envoy-json", envoyFileAccessLog: { path: "/dev/stdout", logFormat: { labels: {} } } }],
};

/** CPU milliseconds that this thread has used: what others do on the machine is not in it. Counted in ticks of some milliseconds. */
function threadTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** A fixed piece of work of the same sort: objects made, maps filled, text written. */
function reference(): void {
  const seen = new Map<string, object>();
  for (let index = 0; index < 60_000; index++)
    seen.set(`host-${index % 5000}.example`, { name: `outbound|${index}||x`, at: [index, { weight: index % 100 }] });
  let length = 0;
  for (const value of seen.values()) length += JSON.stringify(value).length;
  if (length === 0) throw new Error("nothing was done");
}

/**
 * CPU milliseconds of one run on the machine of Istio's figures. As in Go's benchmarks, runs go on for a while and their mean counts,
 * garbage collection and all. {@link reference} runs between them, so that what the machine does besides is on both, and scales.
 */
function scaledTime(run: () => void): number {
  for (const end = threadTime() + WARM_UP; threadTime() < end; ) run();
  let ours = 0;
  let references = 0;
  let runs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const begun = threadTime();
    for (let times = 0; times < 2; times++) reference();
    const between = threadTime();
    const from = performance.now();
    do {
      run();
      runs++;
    } while (performance.now() < from + ROUND);
    references += (between - begun) / 2;
    ours += threadTime() - between;
  }
  return (ours / runs / (references / ROUNDS)) * REFERENCE;
}

/** Milliseconds; long enough for what runs often to be compiled. */
const WARM_UP = 500;
const ROUNDS = 15;
const ROUND = 60;

async function meshOf(name: string): Promise<Mesh> {
  const file = join(import.meta.dirname, "../../shared/bench/scenarios", `${name}.yaml`);
  const store = textStore({ [`${name}.yaml`]: readFileSync(file, "utf8") }, { duplicateKeys: "last" });
  const registry = aggregateRegistry([manifestsRegistry(store.documents), serviceEntryRegistry(store)]);
  await registry.ready;
  return Mesh.of({
    meshConfig: MESH_CONFIG,
    config: store.values(),
    services: registry.services.values(),
    endpoints: [...registry.endpoints.keys()].flatMap((key) => {
      const given = registry.endpoints.get(key);
      return given ? [[key, given] as const] : [];
    }),
    workloads: registry.workloads.values(),
    namespaces: registry.namespaces.values(),
  });
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

/** Makes and encodes all resources of a type, nothing kept from before. Gives how many. */
function cold(mesh: Mesh, node: ProxyNode, type: Type): number {
  let resources = 0;
  const whole: Query<void, number> = {
    name: "whole",
    key: () => "",
    compute: (read) => {
      const generator = GENERATORS[type];
      let bytes = 0;
      for (const unit of generator.units(read))
        for (const { name, resource, sources } of generator.generate(read, unit)) {
          bytes += encodeResource(TYPE_URLS[type], name, resource, sources).bytes.length;
          resources++;
        }
      return bytes;
    },
  };
  new Derivations(mesh).ask(whole, undefined, node);
  return resources;
}

/** `pnpm bench translate [scenario [type]]`: a table; times of ours are scaled to the machine of Istio's figures. */
export async function printTranslation(scenario?: string, only?: string): Promise<void> {
  console.log(
    "| scenario | type | resources | ours ms | Istio ms | ours : Istio | with its push context |\n| --- | --- | --- | --- | --- | --- | --- |",
  );
  for (const [name, figures] of Object.entries(ISTIO)) {
    if (scenario !== undefined && name !== scenario) continue;
    const mesh = await meshOf(name);
    const node = nodeOf(name);
    for (const [type, theirs] of Object.entries(figures) as [Type, number][]) {
      if (only !== undefined && type !== only) continue;
      const resources = cold(mesh, node, type);
      const ours = scaledTime(() => void cold(mesh, node, type));
      const context = PUSH_CONTEXT[name];
      console.log(
        `| ${name} | ${type} | ${resources} | ${ours.toFixed(2)} | ${theirs.toFixed(2)} | ${(ours / theirs).toFixed(2)}x | ${context === undefined ? "" : `${(ours / (theirs + context)).toFixed(2)}x`} |`,
      );
    }
  }
}
