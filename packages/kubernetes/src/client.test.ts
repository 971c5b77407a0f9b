import { afterEach, describe, expect, it } from "vitest";
import { type KubernetesClient, type KubernetesClientOptions, kubernetesClient } from "./client.ts";
import { RESOURCES } from "./resource-type.ts";
import { type FakeApiServer, type FakeApiServerOptions, fakeApiServer } from "./testing/fake-api-server.ts";

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(
  options: FakeApiServerOptions = {},
  more: Partial<KubernetesClientOptions> = {},
): Promise<{ server: FakeApiServer; client: KubernetesClient }> {
  const server = await fakeApiServer(options);
  const client = kubernetesClient({ server: server.url, ...more } as KubernetesClientOptions);
  open.push(server, client);
  return { server, client };
}

const scope = { namespace: "shop" };
const configMap = { metadata: { name: "one", namespace: "shop" }, data: { "a-b": "1" } };

describe("kubernetesClient", () => {
  it("creates, reads, replaces and deletes, and drops no field", async () => {
    const { client } = await start();
    const created = await client.create(RESOURCES.configMaps, { ...configMap, "x-odd-field": { "y-z": 1 } });
    expect(created).toMatchObject({
      kind: "ConfigMap",
      apiVersion: "v1",
      data: { "a-b": "1" },
      "x-odd-field": { "y-z": 1 },
    });
    const replaced = await client.replace(RESOURCES.configMaps, { ...created, data: {} });
    expect(replaced.metadata.resourceVersion).not.toBe(created.metadata.resourceVersion);
    expect(await client.get(RESOURCES.configMaps, "one", scope)).toEqual(replaced);
    await client.delete(RESOURCES.configMaps, "one", scope);
    await expect(client.get(RESOURCES.configMaps, "one", scope)).rejects.toMatchObject({
      code: "not-found",
      status: 404,
    });
  });

  it("says that an object was changed by someone else", async () => {
    const { client } = await start();
    const first = await client.create(RESOURCES.configMaps, configMap);
    await client.replace(RESOURCES.configMaps, { ...first, data: { by: "another" } });
    const conflict = { code: "conflict", status: 409, reason: "Conflict" };
    await expect(client.replace(RESOURCES.configMaps, { ...first, data: {} })).rejects.toMatchObject(conflict);
    const { resourceVersion = "" } = first.metadata;
    await expect(client.delete(RESOURCES.configMaps, "one", { ...scope, resourceVersion })).rejects.toMatchObject(
      conflict,
    );
    await expect(client.create(RESOURCES.configMaps, configMap)).rejects.toMatchObject({ code: "already-exists" });
  });

  it("lists page by page and says each item's kind", async () => {
    const { server, client } = await start({}, { pageSize: 2 });
    for (const name of ["a", "b", "c", "d", "e"])
      server.put({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "shop", labels: { odd: name } } });
    const { items, resourceVersion } = await client.list(RESOURCES.configMaps, scope);
    expect(items.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(
      ["a", "b", "c", "d", "e"].map((name) => `ConfigMap ${name}`),
    );
    expect(resourceVersion).toBe(String(server.store.version));
    expect(server.requests).toHaveLength(3);
    expect((await client.list(RESOURCES.configMaps, { ...scope, labelSelector: "odd=b" })).items).toHaveLength(1);
    expect((await client.list(RESOURCES.configMaps, { namespace: "other" })).items).toEqual([]);
  });

  it("patches: merge, JSON, and the status alone", async () => {
    const { client } = await start();
    await client.create(RESOURCES.pods, { metadata: { name: "p", namespace: "shop" }, spec: { a: 1, b: 2 } });
    expect(await client.mergePatch(RESOURCES.pods, "p", { spec: { b: null, c: 3 } }, scope)).toMatchObject({
      spec: { a: 1, c: 3 },
    });
    const patched = await client.jsonPatch(
      RESOURCES.pods,
      "p",
      [
        { op: "test", path: "/spec/a", value: 1 },
        { op: "add", path: "/metadata/labels", value: { "a/b": "x" } },
        { op: "remove", path: "/spec/c" },
      ],
      scope,
    );
    expect(patched).toMatchObject({ metadata: { generation: 3, labels: { "a/b": "x" } }, spec: { a: 1 } });
    const withStatus = await client.patchStatus(RESOURCES.pods, "p", { phase: "Running" }, scope);
    expect(withStatus).toMatchObject({ metadata: { generation: 3 }, spec: { a: 1 }, status: { phase: "Running" } });
    const failing = [{ op: "test", path: "/spec/a", value: 2 }] as const;
    await expect(client.jsonPatch(RESOURCES.pods, "p", failing, scope)).rejects.toMatchObject({ code: "invalid" });
    const stale = { metadata: { resourceVersion: "1" }, spec: {} };
    await expect(client.mergePatch(RESOURCES.pods, "p", stale, scope)).rejects.toMatchObject({ code: "conflict" });
  });

  it.each([
    [401, "unauthorized"],
    [403, "forbidden"],
    [410, "gone"],
    [415, "rejected"],
    [422, "invalid"],
    [429, "too-many-requests"],
    [500, "server-error"],
    [503, "server-error"],
  ])("names status %i %s", async (status, code) => {
    const { server, client } = await start();
    server.fail(1, status, { "retry-after": "7" });
    await expect(client.get(RESOURCES.pods, "p", scope)).rejects.toMatchObject({ code, status, retryAfterSeconds: 7 });
  });

  it("asks for the token before each request", async () => {
    let token = "old";
    const { client } = await start({ token: "new" }, { token: () => token });
    await expect(client.list(RESOURCES.pods)).rejects.toMatchObject({ code: "unauthorized" });
    token = "new";
    expect((await client.list(RESOURCES.pods)).items).toEqual([]);
  });

  it("reads server and credentials of a kubeconfig", async () => {
    const { KubeConfig } = await import("@kubernetes/client-node");
    const server = await fakeApiServer({ token: "secret" });
    const kubeconfig = new KubeConfig();
    // client-node refuses plain HTTP unless told that nothing is verified.
    kubeconfig.loadFromClusterAndUser(
      { name: "c", server: server.url, skipTLSVerify: true },
      { name: "u", token: "secret" },
    );
    const client = kubernetesClient({ kubeconfig });
    open.push(server, client);
    expect((await client.list(RESOURCES.pods)).items).toEqual([]);
    const missing = kubernetesClient({ kubeconfig: "/nonexistent/kubeconfig" });
    open.push(missing);
    await expect(missing.list(RESOURCES.pods)).rejects.toMatchObject({ code: "bad-options" });
  });

  it("tells a server that is not there, slow, or talks nonsense", async () => {
    const { server, client } = await start({}, { timeout: 200 });
    await server.close();
    await expect(client.list(RESOURCES.pods)).rejects.toMatchObject({ code: "unreachable" });
    const { createServer } = await import("node:http");
    const answers = ["<html>", "", '{"items":1}'];
    const odd = createServer((request, response) => {
      if (request.url?.startsWith("/api/v1/nodes")) return;
      response.end(request.url?.startsWith("/api/v1/secrets") ? `"${"x".repeat(2000)}"` : answers.shift());
    });
    await new Promise<void>((resolve) => odd.listen(0, "127.0.0.1", resolve));
    const { port } = odd.address() as { port: number };
    const other = kubernetesClient({ server: `http://127.0.0.1:${port}`, timeout: 200, maxBodyBytes: 1000 });
    open.push({ close: () => odd.close() }, other);
    for (let index = 0; index < 3; index++)
      await expect(other.list(RESOURCES.pods)).rejects.toMatchObject({ code: "bad-response" });
    await expect(other.list(RESOURCES.secrets)).rejects.toMatchObject({ code: "bad-response" });
    await expect(other.list(RESOURCES.nodes)).rejects.toMatchObject({ code: "timeout" });
    await expect(other.list(RESOURCES.nodes, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "aborted",
    });
    const waiting = expect(other.list(RESOURCES.nodes)).rejects.toMatchObject({ code: "closed" });
    other.close();
    await waiting;
  });

  it("escapes names", async () => {
    const { server, client } = await start();
    await expect(client.get(RESOURCES.pods, "../secrets/x", scope)).rejects.toMatchObject({ code: "not-found" });
    expect(server.requests).toEqual(["GET /api/v1/namespaces/shop/pods/..%2Fsecrets%2Fx"]);
  });
});
