import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import type { Mesh } from "@fairlead/mesh";
import type { ProxyNode } from "@fairlead/model";
import { type Translation, translate } from "@fairlead/xds/translate";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { xdsCases } from "../conformance/cases.ts";
import { hasConformanceData } from "../conformance/conformance-data.ts";
import { loadMesh } from "../conformance/load-mesh.ts";
import { envoyBinary } from "../support/envoy-binary.ts";
import { startEnvoy } from "../support/envoy-process.ts";
import { startSecrets } from "../support/secrets.ts";
import { trafficPolicyMesh } from "./traffic-policies.ts";

/** Everything that is made for a proxy, put into one bootstrap that Envoy checks without starting. */

const run = promisify(execFile);
let binary = "";
let folder = "";
beforeAll(async () => {
  binary = await envoyBinary();
  folder = await mkdtemp(join(tmpdir(), "acceptance-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const HTTP2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/** What the agent beside a proxy and the discovery server are to it. */
const socket = (name: string) => ({
  name,
  type: "STATIC",
  loadAssignment: {
    clusterName: name,
    endpoints: [{ lbEndpoints: [{ endpoint: { address: { pipe: { path: join(folder, name) } } } }] }],
  },
  typedExtensionProtocolOptions: {
    [HTTP2]: { "@type": `type.googleapis.com/${HTTP2}`, explicitHttpConfig: { http2ProtocolOptions: {} } },
  },
});

/** A listener that does nothing but hold a route configuration. */
const holder = (routeConfig: object, index: number) => ({
  name: `routes-${index}`,
  address: { pipe: { path: join(folder, `routes-${index}`) } },
  filterChains: [
    {
      filters: [
        {
          name: "envoy.filters.network.http_connection_manager",
          typedConfig: {
            "@type":
              "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            statPrefix: "x",
            routeConfig,
            httpFilters: [
              {
                name: "envoy.filters.http.router",
                typedConfig: { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
              },
            ],
          },
        },
      ],
    },
  ],
});

function bootstrapOf(made: Translation): object {
  const resources = (list: Translation["clusters"]) => list.map(({ resource }) => resource);
  const named = new Set(made.clusters.map(({ name }) => name));
  const agents = ["xds-grpc", "sds-grpc", "sds-files-grpc", "zipkin"].filter((name) => !named.has(name));
  const endpoints = made.endpoints.map(({ resource }, index) => ({
    name: `endpoints-${index}`,
    type: "STATIC",
    loadAssignment: { ...resource, clusterName: `endpoints-${index}` },
  }));
  return {
    node: { id: "acceptance", cluster: "tests" },
    dynamicResources: {
      adsConfig: {
        apiType: "GRPC",
        transportApiVersion: "V3",
        grpcServices: [{ envoyGrpc: { clusterName: "xds-grpc" } }],
      },
    },
    staticResources: {
      clusters: [...resources(made.clusters), ...endpoints, ...agents.map(socket)],
      listeners: [...resources(made.listeners), ...resources(made.routes).map(holder)],
    },
  };
}

/** What Envoy has against the resources; empty when it takes them. */
async function objections(mesh: Mesh, node: ProxyNode, name: string): Promise<string> {
  const path = join(folder, `${name.replaceAll("/", "-")}.json`);
  await writeFile(path, JSON.stringify(bootstrapOf(translate(mesh, node))));
  return run(binary, ["--mode", "validate", "-c", path, "-l", "error", "--log-format", "%v"]).then(
    () => "",
    (error: { stderr?: string }) => error.stderr || String(error),
  );
}

const cases = hasConformanceData() ? xdsCases() : [];

describe.skipIf(cases.length === 0)("Envoy takes all that is made for the conformance meshes", () => {
  test.concurrent.each(cases.map((one) => [one.name, one] as const))("%s", async (name, { folder: from, proxies }) => {
    const mesh = await loadMesh(from);
    for (const { proxy, node } of proxies) expect(await objections(mesh, node, `${name}/${proxy}`)).toBe("");
  });
});

describe("Envoy takes every setting of a traffic policy", () => {
  test.each([
    ["sidecar", "127.0.53.1"],
    ["router", "127.0.53.2"],
  ])("%s", async (type, address) => {
    await using plane = await createControlPlane({ config: textStore({ policies: trafficPolicyMesh() }) });
    const { ads } = await plane.listen({ ads: `${address}:0` });
    const id = `${type}~${address}~client-1.default~default.svc.cluster.local`;
    await using secrets = await startSecrets("default", "client");
    await using envoy = await startEnvoy({
      node: { id, metadata: { LABELS: { app: "gateway" } } },
      ads,
      adsSecurity: "plaintext",
      sdsPath: secrets.path,
      admin: `${address}:15000`,
    });
    const nacks: string[] = [];
    plane.on("nack", ({ message }) => void nacks.push(message));
    await envoy.ready(40);
    const statistics = async () =>
      (await envoy.admin("/stats?filter=^cluster_manager.cds.update_(success|rejected)$")).body;
    expect(nacks).toEqual([]);
    expect(await statistics()).toMatch(/update_rejected: 0\n.*update_success: [1-9]/);
    const warming = (await envoy.admin("/config_dump?resource=dynamic_warming_clusters")).body;
    const active = (await envoy.admin("/config_dump?resource=dynamic_active_clusters")).body;
    const names = [...`${warming}${active}`.matchAll(/"name": "(outbound[^"]*)"/g)].map(([, name]) => name);
    expect(new Set(names).size).toBeGreaterThan(400);
  });
});
