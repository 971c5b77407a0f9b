import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  GATEWAY_API_KINDS,
  type GatewayApiKindDefinition,
  gatewayApiKindOf,
  validateGatewayApi,
} from "@fairlead/config";
import { kubernetesDocuments, kubernetesStore } from "@fairlead/config/kubernetes";
import { createControlPlane } from "@fairlead/control-plane";
import { writeGatewayApiStatus } from "@fairlead/control-plane/kubernetes";
import { type KubernetesClient, KubernetesError, RESOURCES, type ResourceType } from "@fairlead/kubernetes";
import { manifestsRegistry } from "@fairlead/registry/manifests";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { change, edited, fields, remove, documents as shown } from "../../packages/config/test/gateway-api-fields.ts";
import { documentsBelow, gatewayApiModule, installGatewayApi } from "../support/gateway-api-definitions.ts";
import { hasKube, type KubeServer, startKube } from "../support/kube.ts";

const here = await hasKube("the Gateway API on a Kubernetes API server");

type Json = Readonly<Record<string, unknown>>;

function typeOf({ apiVersion, kind }: Json): ResourceType | undefined {
  const name = gatewayApiKindOf(String(apiVersion), String(kind));
  if (!name) return undefined;
  const { plural, clusterScoped }: GatewayApiKindDefinition = GATEWAY_API_KINDS[name];
  return { apiVersion: String(apiVersion), kind: name, plural, namespaced: !clusterScoped };
}

/** Whether the server takes the document; what it says against it. */
async function verdict(client: KubernetesClient, type: ResourceType, value: Json, name: string): Promise<string> {
  const metadata = { ...(value.metadata as Json), name, ...(type.namespaced && { namespace: "shop" }) };
  try {
    await client.create(type, { ...value, metadata }, type.namespaced ? { namespace: "shop" } : {});
    return "";
  } catch (error) {
    if (error instanceof KubernetesError && ["invalid", "rejected"].includes(error.code)) return error.message;
    throw error;
  }
}

describe.skipIf(!here)("the Gateway API on a real Kubernetes API server", () => {
  let server: KubeServer;
  let module: string;
  beforeAll(async () => {
    [server, module] = await Promise.all([startKube(), gatewayApiModule()]);
    await installGatewayApi(server.client, module);
    await server.createNamespace("shop");
    await server.createNamespace("live");
  });
  afterAll(() => server?.close());

  it("statuses are written, and only what changed", { timeout: 60_000 }, async () => {
    const { client } = server;
    const create = (type: ResourceType, name: string, spec: object) =>
      client.create(type, { metadata: { name, namespace: "live" }, spec }, { namespace: "live" });
    const gateways = typeOf({ apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway" }) as ResourceType;
    const routes = typeOf({ apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute" }) as ResourceType;
    await create(RESOURCES.services, "web", { ports: [{ name: "http", port: 80 }] });
    await create(gateways, "edge", {
      gatewayClassName: "istio",
      addresses: [{ type: "Hostname", value: "web" }],
      listeners: [{ name: "http", port: 80, protocol: "HTTP" }],
    });
    const route = (backend: string, parent: object) => ({
      parentRefs: [{ name: "edge", ...parent }],
      rules: [{ backendRefs: [{ name: backend, port: 80 }] }],
    });
    await create(routes, "good", route("web", {}));
    await create(routes, "lost", route("nobody", { sectionName: "https" }));

    const store = kubernetesStore({ client });
    const found = kubernetesDocuments({ client });
    const { documents } = found;
    await found.documents.ready;
    const plane = await createControlPlane({ config: store, documents, registries: [manifestsRegistry(documents)] });
    const ending = new AbortController();
    const errors: unknown[] = [];
    const writing = writeGatewayApiStatus({
      plane,
      client,
      signal: ending.signal,
      debounce: 50,
      onError: (error) => errors.push(error),
    });
    try {
      interface Status {
        readonly parents?: readonly {
          readonly conditions: readonly { type: string; status: string; reason: string }[];
        }[];
        readonly listeners?: readonly { readonly attachedRoutes: number }[];
        readonly conditions?: readonly { type: string; reason: string; lastTransitionTime: string }[];
      }
      const read = (type: ResourceType, name: string) => client.get(type, name, { namespace: "live" });
      const said = async (name: string) => {
        const [parent] = ((await read(routes, name)).status as Status | undefined)?.parents ?? [];
        return (parent?.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);
      };
      await vi.waitFor(async () => {
        expect(await said("good")).toEqual(["Accepted True Accepted", "ResolvedRefs True ResolvedRefs"]);
        expect(await said("lost")).toEqual(["Accepted False NoMatchingParent", "ResolvedRefs False BackendNotFound"]);
        const { listeners, conditions } = (await read(gateways, "edge")).status as Status;
        expect(listeners).toMatchObject([{ attachedRoutes: 1 }]);
        expect(conditions?.map(({ type }) => type)).toContain("Programmed");
      }, 10_000);
      const before = await read(gateways, "edge");
      // Another route is counted; the conditions stay as old as they are.
      await create(routes, "more", route("web", {}));
      await vi.waitFor(async () => {
        expect(((await read(gateways, "edge")).status as Status).listeners).toMatchObject([{ attachedRoutes: 2 }]);
      }, 10_000);
      const after = await read(gateways, "edge");
      const times = ({ status }: typeof after) => (status as Status).conditions?.map((one) => one.lastTransitionTime);
      expect(times(after)).toEqual(times(before));
      // What is said already is not written again.
      const { resourceVersion } = (await read(routes, "good")).metadata;
      await create(RESOURCES.services, "other", { ports: [{ name: "http", port: 80 }] });
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect((await read(routes, "good")).metadata.resourceVersion).toBe(resourceVersion);
      expect(errors).toEqual([]);
    } finally {
      ending.abort();
      await writing;
      await plane.close();
      found.close();
      store.close();
    }
  });

  it("documents are valid here where its CRDs take them, and invalid where they do not", {
    timeout: 120_000,
  }, async () => {
    const documents = ["examples", "hack/invalid-examples"].flatMap((folder) => [
      ...documentsBelow(join(module, folder)),
    ]);
    const different: string[] = [];
    // Every field changed and taken away, one at a time, where it is shown.
    const edits = fields.flatMap(([kind, path]) =>
      [change, remove].flatMap((edit) =>
        shown
          .filter((value) => value.kind === kind)
          .map((value) => ({ ...value, spec: edited(value.spec, path.split("."), edit) }))
          .filter((value) => !shown.some(({ spec }) => isDeepStrictEqual(spec, value.spec)))
          .map((value) => ({ file: `${path} with ${edit.name}`, value })),
      ),
    );
    documents.push(...shown.map((value) => ({ file: "fields", value })), ...edits);
    const counts = { valid: 0, invalid: 0 };
    const judge = async ({ file, value }: (typeof documents)[number]) => {
      const type = typeOf(value);
      // That CRD's rule on port names compares an optional with null, and so refuses every name.
      if (!type || (value.kind === "XBackend" && (value.spec as { port?: { name?: string } }).port?.name)) return;
      const theirs = await verdict(server.client, type, value, `one-${process.hrtime.bigint()}`);
      const ours = validateGatewayApi(value)?.diagnostics.map(({ path, message }) => `${path}: ${message}`) ?? [];
      counts[theirs === "" ? "valid" : "invalid"]++;
      if ((theirs === "") !== (ours.length === 0))
        different.push(`${file}: the server says ${theirs || "nothing"}; we say ${ours.join("; ") || "nothing"}`);
    };
    for (let start = 0; start < documents.length; start += 16)
      await Promise.all(documents.slice(start, start + 16).map(judge));
    console.log(`${counts.valid} documents taken, ${counts.invalid} refused`);
    expect(different).toEqual([]);
    expect(counts.invalid).toBeGreaterThan(20);
  });
});
