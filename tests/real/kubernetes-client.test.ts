import { tokenReview } from "@fairlead/ca/grpc";
import { type KubernetesObject, leaderElection, listWatch, RESOURCES, reviewToken } from "@fairlead/kubernetes";
import { kubernetesRegistry } from "@fairlead/registry/kubernetes";
import { registryContract } from "@fairlead/registry/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { hasKube, type KubeServer, startKube } from "../support/kube.ts";

const here = await hasKube("the Kubernetes client and registry");

describe.skipIf(!here)("on a real Kubernetes API server", () => {
  let server: KubeServer;
  const { configMaps, pods, services } = RESOURCES;
  const web = { name: "web", namespace: "shop" };

  beforeAll(async () => {
    server = await startKube();
    await server.createNamespace("shop");
    await server.client.create(RESOURCES.nodes, {
      metadata: {
        name: "node-1",
        labels: { "topology.kubernetes.io/region": "r1", "topology.kubernetes.io/zone": "z1" },
      },
    });
  });
  afterAll(() => server?.close());

  const config = (name: string, value: string) => ({ metadata: { name, namespace: "shop" }, data: { value } });

  it("follows objects over ended watches and a killed server, and tells each change once", async () => {
    const { client } = server;
    const watched = listWatch(client, configMaps, {
      namespace: "shop",
      watchSeconds: 1,
      labelSelector: "!kubernetes.io/x",
    });
    await watched.ready;
    const seen: string[] = [];
    watched.subscribe((changes) => {
      for (const { key, value } of changes)
        if (key.includes("/cm-"))
          seen.push(`${key.split("/")[2]}=${(value as { data?: { value: string } })?.data?.value}`);
    });
    await client.create(configMaps, config("cm-a", "1"));
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await client.mergePatch(configMaps, "cm-a", { data: { value: "2" } }, { namespace: "shop" });
    await vi.waitFor(() => expect(seen).toEqual(["cm-a=1", "cm-a=2"]), 5_000);
    await server.restart();
    await vi.waitFor(
      () => client.mergePatch(configMaps, "cm-a", { data: { value: "3" } }, { namespace: "shop" }),
      10_000,
    );
    await client.delete(configMaps, "cm-a", { namespace: "shop" });
    await vi.waitFor(() => expect(seen.at(-1)).toBe("cm-a=undefined"), 30_000);
    expect(new Set(seen).size).toBe(seen.length);
    watched.close();
  });

  it("lists again when the server has forgotten the version, and tells only what differs", async () => {
    const { client } = server;
    await client.create(configMaps, config("gone-a", "1"));
    // A version from before the server's history begins.
    const status = await client
      .watch(configMaps, new URLSearchParams({ watch: "1", resourceVersion: "1", allowWatchBookmarks: "true" }), {
        namespace: "shop",
      })
      .then(async (body) => {
        for await (const chunk of body) return String(chunk);
        return "";
      })
      .catch((error: { code: string }) => error.code);
    expect(status).toMatch(/"code":410|gone/);
  });

  it("gives the lease to one of two candidates, and to the other when it goes", async () => {
    const { client } = server;
    const elected: string[] = [];
    const stand = (identity: string) =>
      leaderElection(client, {
        namespace: "shop",
        name: "writer",
        identity,
        leaseSeconds: 3,
        renewSeconds: 2,
        retrySeconds: 0.2,
        onElected: () => elected.push(identity),
      });
    const [one, two] = [stand("one"), stand("two")];
    await vi.waitFor(() => expect(elected).toHaveLength(1), 5_000);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect([one.leading, two.leading].filter(Boolean)).toHaveLength(1);
    const [leader, follower] = one.leading ? [one, two] : [two, one];
    await leader.close();
    await vi.waitFor(() => expect(follower.leading).toBe(true), 5_000);
    await follower.close();
    const { spec } = await client.get(RESOURCES.leases, "writer", { namespace: "shop" });
    expect(spec).toMatchObject({ holderIdentity: "", leaseTransitions: expect.any(Number) });
  });

  it("lets the server vouch for a service account's token, for one audience", async () => {
    const { client } = server;
    await client.create(RESOURCES.serviceAccounts, { metadata: web });
    const request = {
      apiVersion: "v1",
      kind: "TokenRequest",
      plural: "serviceaccounts/web/token",
      namespaced: true,
    };
    const issued = await client.create(request, {
      apiVersion: "authentication.k8s.io/v1",
      metadata: web,
      spec: { audiences: ["istio-ca"], expirationSeconds: 600 },
    });
    const { token } = issued.status as { token: string };
    expect(await reviewToken(client, token, ["istio-ca"])).toMatchObject({
      authenticated: true,
      user: { username: "system:serviceaccount:shop:web" },
      audiences: ["istio-ca"],
    });
    expect(await reviewToken(client, token, ["other"])).toMatchObject({ authenticated: false });
    const authenticator = tokenReview({
      trustDomain: "mesh.test",
      review: (token, audiences) => reviewToken(client, token, audiences),
    });
    const call = (value: string) => ({
      peer: "127.0.0.1:1",
      certificate: undefined,
      metadata: (name: string) => (name === "authorization" ? [`Bearer ${value}`] : []),
    });
    expect(await authenticator.authenticate(call(token))).toMatchObject({
      identity: { uri: "spiffe://mesh.test/ns/shop/sa/web" },
    });
    await expect(authenticator.authenticate(call(`${token.slice(0, -4)}AAAA`))).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
  });

  const pod = (index: number) => ({
    metadata: { name: `web-${index}`, namespace: "shop", labels: { app: "web" } },
    // No kubelet is there to end it.
    spec: { nodeName: "node-1", terminationGracePeriodSeconds: 0, containers: [{ name: "web", image: "web" }] },
  });
  const ready = (ip: string, is = "True") => ({
    phase: "Running",
    podIP: ip,
    podIPs: [{ ip }],
    conditions: [{ type: "Ready", status: is }],
  });
  const setPods = async (addresses: readonly string[]) => {
    const { items } = await server.client.list(pods, { namespace: "shop", labelSelector: "app=web" });
    for (const { metadata } of items.slice(addresses.length))
      await server.client.delete(pods, metadata.name, { namespace: "shop" });
    for (const [index, ip] of addresses.entries()) {
      if (!items.some(({ metadata }) => metadata.name === `web-${index}`)) await server.client.create(pods, pod(index));
      await server.client.patchStatus(pods, `web-${index}`, ready(ip), { namespace: "shop" });
    }
  };
  /** What the garbage collector of a cluster does: slices of a Service that is gone, one that was just being written too. */
  const removeSlices = async () => {
    for (let round = 0; round < 3; round++) {
      const { items } = await server.client.list(RESOURCES.endpointSlices, { namespace: "shop" });
      for (const { metadata } of items)
        await server.client.delete(RESOURCES.endpointSlices, metadata.name, { namespace: "shop" });
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  };

  registryContract({ describe, it }, "kubernetesRegistry", async () => {
    await setPods([]);
    await server.client.delete(services, "web", { namespace: "shop" }).catch(() => undefined);
    await removeSlices();
    const registry = kubernetesRegistry({ client: server.client, namespace: "shop", watch: { watchSeconds: 5 } });
    return {
      registry,
      set: async (addresses: readonly string[]) => {
        const service = {
          metadata: web,
          spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
        };
        await server.client
          .create(services, service)
          .catch((error: { code: string }) => expect(error.code).toBe("already-exists"));
        await setPods(addresses);
      },
      remove: async () => {
        await server.client.delete(services, "web", { namespace: "shop" });
        await setPods([]);
        await removeSlices();
      },
    };
  });

  it("knows the address, locality and readiness of what is behind a Service", async () => {
    await setPods([]);
    await server.client
      .create(services, {
        metadata: web,
        spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
      })
      .catch((error: { code: string }) => expect(error.code).toBe("already-exists"));
    await setPods(["10.1.0.1"]);
    const registry = kubernetesRegistry({ client: server.client });
    await registry.ready;
    const endpoints = () =>
      [...registry.endpoints.values()]
        .filter(({ hostname }) => hostname.startsWith("web."))
        .flatMap((one) => one.endpoints);
    await vi.waitFor(
      () => expect(endpoints()).toMatchObject([{ addresses: ["10.1.0.1"], locality: { region: "r1", zone: "z1" } }]),
      5_000,
    );
    const created = (await server.client.get(services, "web", { namespace: "shop" })) as KubernetesObject & {
      spec: { clusterIP: string };
    };
    expect(
      [...registry.services.values()].find(({ hostname }) => hostname === "web.shop.svc.cluster.local")?.addresses,
    ).toContain(created.spec.clusterIP);
    await server.client.patchStatus(pods, "web-0", ready("10.1.0.1", "False"), { namespace: "shop" });
    await vi.waitFor(() => expect(endpoints().filter(({ health }) => health === "healthy")).toEqual([]), 5_000);
    expect(registry.diagnostics()).toEqual([]);
    await registry.close();
  });
});
