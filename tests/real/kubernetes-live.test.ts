import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubernetesDocuments } from "@fairlead/config/kubernetes";
import { type KubernetesError, kubernetesClient, RESOURCES, type ResourceType } from "@fairlead/kubernetes";
import { createDiscoveryClient } from "@fairlead/xds";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { begin, fairlead } from "../../packages/cli/test/captured.ts";
import { hasKube, type KubeServer, startKube } from "../support/kube.ts";

const here = await hasKube("the command line on a live cluster");

const VIRTUAL_SERVICES: ResourceType = {
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  plural: "virtualservices",
  namespaced: true,
};
const shop = { namespace: "shop" };
const route = (name: string, host: string, to: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name, ...shop },
  spec: { hosts: [host], http: [{ route: [{ destination: { host: to } }] }] },
});
const CLUSTERS = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";

describe.skipIf(!here)("the command line on a real Kubernetes API server", () => {
  let server: KubeServer;
  let folder: string;
  let kubeconfig: string;

  beforeAll(async () => {
    server = await startKube();
    await server.installDefinitions();
    for (const name of ["shop", "istio-system"]) await server.createNamespace(name);
    folder = await mkdtemp(join(tmpdir(), "live-"));
    kubeconfig = join(folder, "config");
    const cluster = { server: server.url, "certificate-authority-data": Buffer.from(server.ca).toString("base64") };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        { name: "here", cluster },
        { name: "nowhere", cluster: { server: "https://127.0.0.1:1" } },
      ],
      users: [{ name: "admin", user: { token: server.token } }],
      contexts: [
        { name: "here", context: { cluster: "here", user: "admin" } },
        { name: "nowhere", context: { cluster: "nowhere", user: "admin" } },
      ],
      "current-context": "nowhere",
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    const ports = [{ name: "http", port: 80 }];
    await server.client.create(RESOURCES.services, { metadata: { name: "web", ...shop }, spec: { ports } });
    await server.client.create(VIRTUAL_SERVICES, route("broken", "web", "gone"));
    const data = { mesh: "trustDomain: shop.example\nserviceScopeConfigs: [{scope: GLOBAL}]\n" };
    await server.client.create(RESOURCES.configMaps, { metadata: { name: "istio", namespace: "istio-system" }, data });
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const cluster = () => ["--kubernetes", "--kubeconfig", kubeconfig, "--context", "here"];

  it("analyzes what is in the cluster, with its mesh settings, and shows the object", async () => {
    const { code, out } = await fairlead("analyze", ...cluster(), "--extra", "-o", "json");
    expect(code).toBe(1);
    const found = JSON.parse(out) as { code: string; resource: string; message: string; file: string }[];
    expect(found.filter(({ resource }) => resource === "VirtualService shop/broken")).toEqual([
      expect.objectContaining({
        code: "IST0101",
        message: expect.stringContaining("gone"),
        file: "cluster:VirtualService/shop/broken",
      }),
    ]);
    expect(found).toContainEqual(
      expect.objectContaining({
        code: "unsupported-field",
        file: "cluster:ConfigMap/istio-system/istio#mesh",
        line: 2,
      }),
    );
    const shown = await fairlead("analyze", ...cluster());
    expect(shown.out).toMatch(
      /cluster:VirtualService\/shop\/broken:\d+:\d+: error:.*\[IST0101\]\n +\d+ \| .*host: gone/,
    );
  });

  it("puts files on top: one that mends an object, one that breaks another", async () => {
    const mended = join(folder, "mended.json");
    await writeFile(mended, JSON.stringify(route("broken", "web", "web")));
    const added = join(folder, "added.json");
    await writeFile(added, JSON.stringify(route("added", "other", "nobody")));
    const codes = async (...files: string[]) => {
      const { out } = await fairlead("analyze", ...cluster(), ...files.flatMap((file) => ["-f", file]), "-o", "json");
      return (JSON.parse(out) as { code: string; file: string }[])
        .filter(({ code }) => code === "IST0101")
        .map(({ file }) => file);
    };
    expect(await codes()).toEqual(["cluster:VirtualService/shop/broken"]);
    expect(await codes(mended)).toEqual([]);
    expect(await codes(mended, added)).toEqual([added]);
  });

  it("does without what may not be listed, and says so", async () => {
    const { client } = server;
    await client.create(RESOURCES.serviceAccounts, { metadata: { name: "viewer", ...shop } });
    const resources = ["services", "pods", "namespaces", "virtualservices", "gateways"];
    const rbac = (kind: string, plural: string): ResourceType => ({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind,
      plural,
      namespaced: false,
    });
    await client.create(rbac("ClusterRole", "clusterroles"), {
      metadata: { name: "viewer" },
      rules: [{ apiGroups: ["", "networking.istio.io"], resources, verbs: ["get", "list", "watch"] }],
    });
    await client.create(rbac("ClusterRoleBinding", "clusterrolebindings"), {
      metadata: { name: "viewer" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "viewer" },
      subjects: [{ kind: "ServiceAccount", name: "viewer", ...shop }],
    });
    const tokens = { ...RESOURCES.serviceAccounts, kind: "TokenRequest", plural: "serviceaccounts/viewer/token" };
    const request = { apiVersion: "authentication.k8s.io/v1", metadata: { name: "viewer", ...shop }, spec: {} };
    const { token } = (await client.create(tokens, request)).status as { token: string };

    const viewer = join(folder, "viewer");
    const config = JSON.parse(await readFile(kubeconfig, "utf8")) as object;
    await writeFile(viewer, JSON.stringify({ ...config, users: [{ name: "admin", user: { token } }] }));
    const args = ["--kubernetes", "--kubeconfig", viewer, "--context", "here", "-o", "json"];
    const { code, out, err } = await fairlead("analyze", ...args);
    expect(code).toBe(1);
    expect(out).toContain("cluster:VirtualService/shop/broken");
    expect(err).toMatch(/left out, for they may not be listed: .*secrets.*configmaps/);

    const limited = kubernetesClient({ server: server.url, ca: server.ca, token });
    using found = kubernetesDocuments({ client: limited });
    await found.documents.ready;
    expect(found.documents.get("Service/shop/web")?.value).toMatchObject({ metadata: { name: "web" } });
    limited.close();
    expect(found.diagnostics().map(({ message }) => message)).toContain("secrets may not be listed: they are left out");
  });

  it("says what a user can mend", async () => {
    const away = await fairlead("analyze", "--kubernetes", "--kubeconfig", kubeconfig);
    expect(away).toMatchObject({ code: 2, err: expect.stringContaining("the cluster cannot be read") });
    const unknown = await fairlead("analyze", "--kubernetes", "--kubeconfig", kubeconfig, "--context", "else");
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('no context "else", only here, nowhere') });
    const alone = await fairlead("analyze", "--context", "here", "-f", folder);
    expect(alone).toMatchObject({ code: 2, err: expect.stringContaining("--context goes with --kubernetes") });
    const served = await fairlead("serve", "--kubernetes", "--kubeconfig", kubeconfig, "--ads", "127.0.0.1:0");
    expect(served).toMatchObject({ code: 2, err: expect.stringContaining("the cluster cannot be read") });
  });

  it("serves the cluster: objects made through the API reach proxies, and their status says so", async () => {
    const serving = begin("serve", ...cluster(), "--ads", "127.0.0.1:0", "--write-status", "-o", "json");
    await vi.waitFor(() => expect(serving.out() + serving.err()).toContain("serving"), 30_000);
    const { ads } = JSON.parse(serving.out()) as { ads: string };
    const seen = new Map<string, string>();
    const client = createDiscoveryClient({
      address: ads,
      node: { id: "sidecar~10.0.0.9~page-1.shop~shop.svc.cluster.local", metadata: { NAMESPACE: "shop" } },
      subscriptions: { [CLUSTERS]: ["*"], [ROUTES]: ["80"] },
      onResources: ({ resources }) => {
        for (const { name, json } of resources) seen.set(name, JSON.stringify(json));
        return undefined;
      },
    });
    try {
      await vi.waitFor(() => expect([...seen.keys()]).toContain("outbound|80||web.shop.svc.cluster.local"), 20_000);
      await server.client.create(VIRTUAL_SERVICES, route("late", "late.example.com", "web"));
      await vi.waitFor(() => expect(seen.get("80")).toContain("late.example.com"), 20_000);
      // Objects that are none of Istio's too.
      const backend = { service: { name: "web", port: { number: 80 } } };
      await server.client.create(RESOURCES.ingresses, {
        metadata: { name: "edge", ...shop, annotations: { "kubernetes.io/ingress.class": "istio" } },
        spec: { rules: [{ host: "edge.example", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }] },
      });
      const page = createDiscoveryClient({
        address: ads,
        node: {
          id: "router~10.0.0.8~ingress-1.istio-system~istio-system.svc.cluster.local",
          metadata: { NAMESPACE: "istio-system", LABELS: { istio: "ingressgateway" } },
        },
        subscriptions: { [ROUTES]: ["http.80"] },
        onResources: ({ resources }) => {
          for (const { json } of resources) seen.set("edge", JSON.stringify(json));
          return undefined;
        },
      });
      await vi.waitFor(() => expect(seen.get("edge")).toContain("edge.example"), 20_000);
      page.close();
      const status = async () => {
        const read = server.client.get(VIRTUAL_SERVICES, "late", shop);
        const object = await read.catch((error: KubernetesError) => ({ status: error.code }));
        return JSON.stringify(object.status ?? {});
      };
      await vi.waitFor(async () => expect(await status()).toContain('"reason":"Accepted"'), 30_000);
    } finally {
      client.close();
      serving.stop();
    }
    expect(await serving.result).toMatchObject({ code: 0 });
  });
});
