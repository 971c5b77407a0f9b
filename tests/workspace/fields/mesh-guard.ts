import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ConfigObject, ingressStore, type MeshConfig, type MeshNetworks, textStore } from "@fairlead/config";
import { Mesh, settingsDiagnostics } from "@fairlead/mesh";
import { type Diagnostic, entriesOf, MemoryCollection, objectKey } from "@fairlead/model";
import { serviceEntryRegistry } from "@fairlead/registry";
import { proxyStart, translate } from "@fairlead/xds/translate";
import { parseAllDocuments } from "yaml";
import { defaultMeshConfig } from "../../../packages/config/src/mesh/defaults.ts";
import { mergeMeshConfig } from "../../../packages/config/src/mesh/merge.ts";
import { leaves, matchesField, NODES, objectsOf, type Path, without, written } from "./guard.ts";

/** One mesh of mesh-config.yaml. */
export interface MeshCase {
  readonly meshConfig?: MeshConfig;
  readonly meshNetworks?: MeshNetworks;
  readonly objects?: readonly ConfigObject[];
}

export type Settings = "meshConfig" | "meshNetworks";

/** What is read where no proxy's resources show it, with the test that shows it. */
export const READ_ELSEWHERE: Readonly<Record<string, string>> = {
  "caCertificates[].pem": "packages/control-plane/src/trust-roots.test.ts",
  "caCertificates[].spiffeBundleUrl": "packages/control-plane/src/trust-roots.test.ts",
  "caCertificates[].trustDomains[]": "packages/control-plane/src/trust-roots.test.ts",
  // Endpoints of other clusters and addresses of load balancers come from registries of Kubernetes.
  "serviceSettings[].settings.clusterLocal": "packages/xds/src/translate/endpoint/generator.test.ts",
  "serviceSettings[].hosts[]": "packages/xds/src/translate/endpoint/generator.test.ts",
  "networks{}.endpoints[].fromRegistry": "packages/xds/src/translate/endpoint/generator.test.ts",
  "networks{}.gateways[].registryServiceName": "packages/xds/src/translate/endpoint/generator.test.ts",
};

export function meshCases(): readonly MeshCase[] {
  const text = readFileSync(join(import.meta.dirname, "mesh-config.yaml"), "utf8");
  return parseAllDocuments(text).map((document) => document.toJS() as MeshCase);
}

const NO_LABELS = { labels: {}, annotations: {} };

const INGRESS = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: shop, namespace: default, annotations: { kubernetes.io/ingress.class: shop } }
spec: { rules: [{ host: shop.example, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { number: 80 } } } }] } }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: unclassed, namespace: default }
spec: { defaultBackend: { service: { name: web, port: { number: 80 } } } }
`;

/** Everything that is made of a mesh: resources of proxies, their start, the configuration that Ingresses stand for, findings. */
async function madeOf({ meshConfig, meshNetworks, objects = [] }: MeshCase): Promise<{
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
}> {
  const settings = mergeMeshConfig(defaultMeshConfig(), meshConfig ?? {});
  const all = [...objectsOf("base"), ...objects];
  const config = new MemoryCollection<ConfigObject>();
  for (const object of all) {
    const { kind, metadata } = object;
    config.set(objectKey({ kind, namespace: metadata.namespace, name: metadata.name }), {
      ...object,
      metadata: { ...NO_LABELS, ...metadata },
    } as ConfigObject);
  }
  const registry = serviceEntryRegistry(config);
  await registry.ready;
  const mesh = Mesh.of({
    meshConfig: settings,
    ...(meshNetworks ? { meshNetworks } : {}),
    config: config.values(),
    services: registry.services.values(),
    endpoints: entriesOf(registry.endpoints),
    workloads: registry.workloads.values(),
    namespaces: [
      { name: "default", labels: { team: "shop" }, annotations: {} },
      { name: "other", labels: { kind: "other" }, annotations: {} },
    ],
  });
  await registry.close();
  const ingresses = ingressStore(textStore({ "ingress.yaml": INGRESS }).documents, { meshConfig: settings });
  const made = {
    nodes: NODES.map((node) => translate(mesh, node)),
    starts: NODES.slice(0, 4).map((node) => proxyStart(mesh, node, { id: node.id })),
    ingresses: [...ingresses.values()],
  };
  ingresses.close();
  const told = settingsDiagnostics(settings, meshNetworks);
  return { text: written(made), diagnostics: [...told, ...made.nodes.flatMap(({ diagnostics }) => diagnostics)] };
}

const KINDS = { meshConfig: "MeshConfig", meshNetworks: "MeshNetworks" } as const;

function isReported(diagnostics: readonly Diagnostic[], settings: Settings, path: Path): boolean {
  const field = path.map(String);
  return diagnostics.some((diagnostic) => {
    if (diagnostic.code !== "unsupported-field" || diagnostic.object?.kind !== KINDS[settings]) return false;
    const part = diagnostic.path.split(/[.[\]]+/).filter((name) => name !== "");
    return part.length > 0 && part.every((name, i) => name === field[i]);
  });
}

/** The fields that no mesh shows. */
export function settingsNotShown(settings: Settings, fields: readonly string[], cases: readonly MeshCase[]) {
  const paths = cases.flatMap((one) => leaves(one[settings] ?? {}));
  return fields.filter((field) => !paths.some((path) => matchesField(path, field)));
}

/** The fields that nobody would miss: without one, the same is made of the mesh, and nobody is told that it has no effect. */
export async function settingsIgnored(settings: Settings, fields: readonly string[], cases: readonly MeshCase[]) {
  const matters = new Map<string, boolean>();
  for (const one of cases.filter((each) => each[settings] !== undefined)) {
    const whole = await madeOf(one);
    for (const path of leaves(one[settings])) {
      const field = fields.find((candidate) => matchesField(path, candidate)) ?? path.join(".");
      if (matters.get(field) || field in READ_ELSEWHERE) continue;
      const changed = { ...one, [settings]: without(one[settings], path) } as MeshCase;
      const does = isReported(whole.diagnostics, settings, path) || (await madeOf(changed)).text !== whole.text;
      matters.set(field, does);
    }
  }
  return [...matters].filter(([, does]) => !does).map(([field]) => field);
}
