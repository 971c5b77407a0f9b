import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ConfigObject,
  defaultMeshConfig,
  type KindName,
  type MeshConfig,
  type MeshNetworks,
  parseDocuments,
  refOf,
} from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import {
  type Diagnostic,
  entriesOf,
  formatDiagnostic,
  MemoryCollection,
  objectKey,
  type ProxyNode,
  parseNode,
} from "@fairlead/model";
import { serviceEntryRegistry } from "@fairlead/registry";
import { type Translation, translate } from "@fairlead/xds/translate";

/** The documents in which each kind shows its fields; what they refer to is in base.yaml. */
export const DOCUMENTS: Readonly<Partial<Record<KindName, string>>> = {
  VirtualService: "virtual-service",
  DestinationRule: "destination-rule",
  Gateway: "gateway",
  ServiceEntry: "service-entry",
  WorkloadEntry: "workload-entry",
  Sidecar: "sidecar",
  PeerAuthentication: "peer-authentication",
  AuthorizationPolicy: "authorization-policy",
  RequestAuthentication: "request-authentication",
  Telemetry: "telemetry",
  EnvoyFilter: "envoy-filter",
  WasmPlugin: "wasm-plugin",
  TrafficExtension: "traffic-extension",
  ProxyConfig: "proxy-config",
};

/** Fields that change neither a resource nor what the user is told, each with the reason. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {};

/** The proxies that are looked at: a client, a server, one of another namespace, three gateways. */
export const NODES: readonly ProxyNode[] = (
  [
    ["sidecar~10.9.0.1~client.default~default.svc.cluster.local", { app: "client", version: "v1" }],
    ["sidecar~10.3.0.1~server.default~default.svc.cluster.local", { app: "server" }],
    ["sidecar~10.9.0.2~stranger.other~other.svc.cluster.local", { app: "stranger" }],
    ["router~10.4.0.1~edge.default~default.svc.cluster.local", { app: "edge" }],
    ["router~10.4.0.2~inner.default~default.svc.cluster.local", { app: "inner" }],
    [
      "router~10.4.0.3~attached.default~default.svc.cluster.local",
      { app: "attached", "gateway.networking.k8s.io/gateway-name": "attached" },
    ],
  ] as const
).map(([id, labels]) => {
  const metadata = {
    LABELS: labels,
    NETWORK: "n1",
    ISTIO_VERSION: "1.30.0",
    ...(labels.app === "client" ? { AUTO_REGISTER_GROUP: "joining" } : {}),
  };
  const locality = { region: "region1", zone: "zone1", subZone: "sub1" };
  const { node } = parseNode({ id, metadata, locality });
  if (!node) throw new Error(`bad node ${id}`);
  return node;
});

const MESH_CONFIG: MeshConfig = {
  ...defaultMeshConfig(),
  // Names of ports show in statistics.
  inboundClusterStatName: "%SERVICE%_%SERVICE_PORT%_%SERVICE_PORT_NAME%",
  outboundClusterStatName: "%SERVICE%_%SERVICE_PORT%_%SERVICE_PORT_NAME%_%SUBSET_NAME%",
  extensionProviders: [
    { name: "authz", envoyExtAuthzGrpc: { service: "other.other.svc.cluster.local", port: 9000 } },
    { name: "traces", opentelemetry: { service: "other.other.svc.cluster.local", port: 9000 } },
    { name: "logs", envoyFileAccessLog: { path: "/dev/stderr" } },
    { name: "counts", prometheus: {} },
  ],
};

const MESH_NETWORKS: MeshNetworks = { networks: { n2: { gateways: [{ address: "192.0.2.2", port: 15443 }] } } };

/** The objects of a file beside this one. */
export function objectsOf(name: string): readonly ConfigObject[] {
  const text = readFileSync(join(import.meta.dirname, `${name}.yaml`), "utf8");
  const { documents, diagnostics } = parseDocuments(text, { file: `${name}.yaml` });
  // The documents show many fields at once, also where a cluster would refuse the combination.
  const broken = diagnostics.filter(({ code, severity }) => severity === "error" && /yaml|unknown|type/.test(code));
  if (broken.length > 0) throw new Error(broken.map(formatDiagnostic).join("\n"));
  return documents.map(
    ({ object, kind, apiVersion, value, name: of, namespace }) =>
      object ??
      ({
        kind,
        apiVersion,
        metadata: { name: of, namespace, labels: {}, annotations: {} },
        spec: value.spec,
      } as ConfigObject),
  );
}

/** What each proxy is sent, and what users are told. */
export async function translations(
  objects: readonly ConfigObject[],
): Promise<{ readonly nodes: readonly Translation[]; readonly registry: readonly unknown[] }> {
  const config = new MemoryCollection<ConfigObject>();
  for (const object of objects) config.set(objectKey(refOf(object)), object);
  const registry = serviceEntryRegistry(config);
  await registry.ready;
  const mesh = Mesh.of({
    meshConfig: MESH_CONFIG,
    meshNetworks: MESH_NETWORKS,
    config: objects,
    services: registry.services.values(),
    endpoints: entriesOf(registry.endpoints),
    workloads: registry.workloads.values(),
  });
  const told = registry.diagnostics();
  await registry.close();
  return { nodes: NODES.map((node) => translate(mesh, node)), registry: told };
}

export function written(made: object): string {
  return JSON.stringify(made, (key, value) => (key === "sources" ? undefined : value));
}

/** Whether users are told that the field, or a part that it belongs to, or the whole object has no effect. */
function isReported(diagnostics: readonly Diagnostic[], object: ConfigObject, path: Path): boolean {
  const field = ["spec", ...path].map(String);
  return diagnostics.some((diagnostic) => {
    if (!diagnostic.object || objectKey(diagnostic.object) !== objectKey(refOf(object))) return false;
    if (diagnostic.code === "unsupported-kind") return true;
    const part = diagnostic.path.split(/[.[\]]+/).filter((name) => name !== "");
    return diagnostic.code === "unsupported-field" && part.length > 1 && part.every((name, i) => name === field[i]);
  });
}

export type Path = readonly (string | number)[];

export function leaves(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const entries = Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value);
  return entries.length === 0 ? [path] : entries.flatMap(([key, item]) => leaves(item, [...path, key]));
}

/** A copy without the value at `path`: messages and lists around it stay, empty or not. */
export function without(value: unknown, [head, ...rest]: Path): unknown {
  if (head === undefined) return undefined;
  const item = without((value as Record<string | number, unknown>)[head], rest);
  if (Array.isArray(value))
    return value.flatMap((one, index) => (index !== head ? [one] : item === undefined ? [] : [item]));
  const others = Object.entries(value as object).map(([key, one]) => [key, key === head ? item : one] as const);
  return Object.fromEntries(others.filter(([, one]) => one !== undefined));
}

/** `http[0].headers.request.set.a` as its schema names it: `http[].headers.request.set{}`; `struct` is free within. */
export function matchesField(path: Path, field: string): boolean {
  const names = field.replaceAll("[]", ".[]").replaceAll("{}", ".{}").split(".");
  return (
    names.length <= path.length &&
    names.every((name, index) =>
      name === "[]" ? typeof path[index] === "number" : name === "{}" || name === path[index],
    )
  );
}

/** Messages that stand in several places are one piece of code: each of their fields is shown in one of these places. */
function place(field: string): string {
  return field
    .replace(/^subsets\[\]\.trafficPolicy\./, "trafficPolicy.")
    .replace(/^trafficPolicy\.portLevelSettings\[\]\.(?!port\.)/, "trafficPolicy.");
}

/** The fields of a schema (see `fieldPaths`) that no object of the kind has. */
export function fieldsNotShown(
  kind: KindName,
  fields: readonly string[],
  objects: readonly ConfigObject[],
): readonly string[] {
  const paths = objects.filter((object) => object.kind === kind).flatMap((object) => leaves(object.spec));
  const shown = new Set(fields.filter((field) => paths.some((path) => matchesField(path, field))).map(place));
  return fields.filter((field) => !shown.has(place(field)) && !(`${kind} ${field}` in EXCEPTIONS));
}

/**
 * The fields of the kind's objects that nobody would miss: wherever one is taken out, all proxies get the same resources
 * and users are told the same.
 */
export async function fieldsIgnored(
  kind: KindName,
  fields: readonly string[],
  objects: readonly ConfigObject[],
): Promise<readonly string[]> {
  const rest = objectsOf("base");
  const made = await translations([...rest, ...objects]);
  const whole = { text: written(made), diagnostics: made.nodes.flatMap(({ diagnostics }) => diagnostics) };
  const matters = new Map<string, boolean>();
  for (const object of objects.filter((one) => one.kind === kind))
    for (const path of leaves(object.spec)) {
      const field = fields.find((candidate) => matchesField(path, candidate)) ?? path.join(".");
      if (matters.get(field) || `${kind} ${field}` in EXCEPTIONS) continue;
      if (isReported(whole.diagnostics, object, path)) {
        matters.set(field, true);
        continue;
      }
      const changed = { ...object, spec: without(object.spec, path) } as ConfigObject;
      // Objects without what their schema requires never come this far: they may fail.
      const other = await translations([...rest, ...objects.map((one) => (one === object ? changed : one))])
        .then(written)
        .catch(String);
      matters.set(field, other !== whole.text);
    }
  return [...matters].filter(([, does]) => !does).map(([field]) => field);
}
