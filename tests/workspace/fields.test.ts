import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type ConfigObject,
  defaultMeshConfig,
  fieldPaths,
  type KindName,
  type MeshConfig,
  parseDocuments,
  refOf,
} from "@fairlead/config";
import { Mesh } from "@fairlead/mesh";
import { formatDiagnostic, MemoryCollection, objectKey, type ProxyNode, parseNode } from "@fairlead/model";
import { serviceEntryRegistry } from "@fairlead/registry";
import { translate } from "@fairlead/xds/translate";
import { describe, expect, it } from "vitest";

/**
 * Never accept and ignore: every field of a schema stands in a document of tests/workspace/fields/, and taking it out there
 * changes a resource of some proxy or what the user is told. A new field that is not translated fails here.
 */

const folder = join(import.meta.dirname, "fields");
const read = (name: string) => readFileSync(join(folder, `${name}.yaml`), "utf8");

/** Fields that change neither, each with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {};

const NODES: readonly ProxyNode[] = [
  ["sidecar~10.9.0.1~client.default~default.svc.cluster.local", { LABELS: { app: "client" }, NETWORK: "n1" }],
  ["sidecar~10.3.0.1~server.default~default.svc.cluster.local", { LABELS: { app: "server" } }],
  ["sidecar~10.9.0.2~stranger.other~other.svc.cluster.local", { LABELS: { app: "stranger" } }],
  ["router~10.4.0.1~edge.default~default.svc.cluster.local", { LABELS: { app: "edge" } }],
].map(([id, metadata]) => {
  const locality = { region: "region1", zone: "zone1", subZone: "sub1" };
  const { node } = parseNode({ id: id as string, metadata: metadata as Record<string, unknown>, locality });
  if (!node) throw new Error(`bad node ${id}`);
  return node;
});

const meshConfig: MeshConfig = {
  ...defaultMeshConfig(),
  extensionProviders: [{ name: "authz", envoyExtAuthzGrpc: { service: "other.other.svc.cluster.local", port: 9000 } }],
};

function objectsOf(name: string): readonly ConfigObject[] {
  const { documents, diagnostics } = parseDocuments(read(name), { file: `${name}.yaml` });
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

/** All that proxies are sent and users are told. */
async function outcome(objects: readonly ConfigObject[]): Promise<string> {
  const config = new MemoryCollection<ConfigObject>();
  for (const object of objects) config.set(objectKey(refOf(object)), object);
  const registry = serviceEntryRegistry(config);
  await registry.ready;
  const mesh = Mesh.of({
    meshConfig,
    config: objects,
    services: registry.services.values(),
    endpoints: [...registry.endpoints.keys()].flatMap((key) => {
      const given = registry.endpoints.get(key);
      return given ? [[key, given] as const] : [];
    }),
    workloads: registry.workloads.values(),
  });
  await registry.close();
  return JSON.stringify(
    NODES.map((node) => translate(mesh, node)),
    (key, value) => (key === "sources" ? undefined : value),
  );
}

type Path = readonly (string | number)[];

function leaves(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const entries = Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value);
  return entries.length === 0 ? [path] : entries.flatMap(([key, item]) => leaves(item, [...path, key]));
}

function without(value: unknown, [head, ...rest]: Path): unknown {
  if (head === undefined) return undefined;
  if (Array.isArray(value)) {
    const copy = [...value];
    const item = without(copy[head as number], rest);
    if (item === undefined) copy.splice(head as number, 1);
    else copy[head as number] = item;
    return copy;
  }
  const copy = { ...(value as Record<string, unknown>) };
  const item = without(copy[head], rest);
  if (item === undefined) delete copy[head];
  else copy[head] = item;
  return copy;
}

const KINDS_UNDER_TEST: Readonly<Record<string, string>> = {
  VirtualService: "virtual-service",
  DestinationRule: "destination-rule",
  Gateway: "gateway",
  ServiceEntry: "service-entry",
  WorkloadEntry: "workload-entry",
  Sidecar: "sidecar",
  PeerAuthentication: "peer-authentication",
  AuthorizationPolicy: "authorization-policy",
};

/** `spec.http[0].headers.request.set.a` as its schema names it: `http[].headers.request.set{}`. */
function matchesField(path: Path, field: string): boolean {
  const names = field.replaceAll("[]", ".[]").replaceAll("{}", ".{}").split(".");
  return (
    names.length === path.length &&
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

describe.each(Object.entries(KINDS_UNDER_TEST))("%s", (kind, file) => {
  const shown = objectsOf(file);
  const rest = objectsOf("base");
  const under = shown.filter((object) => object.kind === kind);

  it("shows every field of the schema", () => {
    const paths = under.flatMap((object) => leaves(object.spec));
    const fields = fieldPaths(kind as KindName);
    const shown = new Set(fields.filter((field) => paths.some((path) => matchesField(path, field))).map(place));
    expect(fields.filter((field) => !shown.has(place(field)) && !(`${kind} ${field}` in EXCEPTIONS))).toEqual([]);
  });

  it("translates or reports every field", { timeout: 60_000 }, async () => {
    const whole = await outcome([...rest, ...shown]);
    const ignored: string[] = [];
    for (const object of under)
      for (const path of leaves(object.spec)) {
        const field = fieldPaths(kind as KindName).find((candidate) => matchesField(path, candidate)) ?? path.join(".");
        if (`${kind} ${field}` in EXCEPTIONS) continue;
        const changed = { ...object, spec: without(object.spec, path) } as ConfigObject;
        const other = await outcome([...rest, ...shown.map((one) => (one === object ? changed : one))]).catch(
          (error) => `throws ${error}`,
        );
        if (other === whole) ignored.push(`${object.metadata.name} ${path.join(".")}`);
      }
    expect(ignored).toEqual([]);
  });
});
