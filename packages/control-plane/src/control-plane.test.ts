import { connect as dial } from "node:tls";
import { memoryKeyManager, selfSignedAuthority } from "@fairlead/ca";
import { createAgent, inProcessClient } from "@fairlead/ca/agent";
import { grpcCaClient, joinTokens } from "@fairlead/ca/grpc";
import { type TextStore, textStore } from "@fairlead/config";
import { directoryStore } from "@fairlead/config/directory";
import { workloadSpiffeId } from "@fairlead/model";
import { memoryRegistry } from "@fairlead/registry";
import { createDiscoveryClient, RESOURCE_TYPES } from "@fairlead/xds";
import { credentials } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { type ControlPlane, createControlPlane, placesOf } from "./control-plane.ts";

const NODE = "sidecar~10.0.0.9~page-1.default~default.svc.cluster.local";
const LOOPBACK = "127.0.0.1:0";

const entry = (name: string, address = "10.0.0.1") => `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: ${name}}
spec:
  hosts: [${name}.example.com]
  ports: [{number: 80, name: http, protocol: HTTP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints: [{address: ${address}}]
`;

const typeUrl = (shortName: string) => RESOURCE_TYPES.find((type) => type.shortName === shortName)?.typeUrl ?? "";

/** A client that has all of CDS, EDS and LDS; `refuse` judges what comes. */
function connect(ads: string, more: Partial<Parameters<typeof createDiscoveryClient>[0]> = {}) {
  return createDiscoveryClient({
    address: ads,
    node: { id: NODE },
    subscriptions: {
      [typeUrl("CDS")]: ["*"],
      [typeUrl("EDS")]: ["outbound|80||shop.example.com"],
      [typeUrl("LDS")]: ["*"],
    },
    onResources: () => undefined,
    ...more,
  });
}

async function until<T>(what: () => T | Promise<T>): Promise<NonNullable<T>> {
  const end = Date.now() + 10_000;
  for (;;) {
    const found = await what();
    if (found) return found;
    if (Date.now() > end) throw new Error("it did not come");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const page = async (http: string | undefined, path: string) => {
  const answer = await fetch(`http://${http}${path}`);
  return { status: answer.status, text: await answer.text() };
};

const serveShop = async (): Promise<{
  store: TextStore;
  plane: ControlPlane;
  ads: string;
  http: string | undefined;
}> => {
  const store = textStore({ "shop.yaml": entry("shop") });
  const plane = await createControlPlane({ config: store });
  const { ads, http } = await plane.listen({ ads: LOOPBACK, http: LOOPBACK });
  return { store, plane, ads, http };
};

describe("a control plane", () => {
  it("serves what its sources say, and has converged when every proxy has accepted it", async () => {
    const { store, plane, ads } = await serveShop();
    await using _closing = plane;
    using client = connect(ads);
    await until(() => client.resources(typeUrl("EDS")).size > 0);
    await plane.converged();
    expect([...client.resources(typeUrl("CDS")).keys()]).toContain("outbound|80||shop.example.com");

    const meshes: unknown[] = [];
    const end = plane.onMesh((mesh) => void meshes.push(mesh));
    store.set({ "shop.yaml": entry("shop", "10.0.0.2") });
    await plane.converged();
    expect(JSON.stringify(client.resources(typeUrl("EDS")).get("outbound|80||shop.example.com")?.json)).toContain(
      "10.0.0.2",
    );
    expect(meshes).toEqual([plane.mesh]);
    end();
    expect(plane.proxies()).toMatchObject([
      { node: { id: NODE }, types: [{ synced: true }, { synced: true }, { synced: true }] },
    ]);
  });

  it("names who lags when it has not converged, and why", async () => {
    const { plane, ads } = await serveShop();
    await using _closing = plane;
    using client = connect(ads, {
      onResources: ({ typeUrl: type }) => (type === typeUrl("LDS") ? "I do not like listeners" : undefined),
    });
    await until(() => plane.proxies()[0]?.types.some(({ lastNack }) => lastNack));
    await expect(plane.converged({ timeout: 100 })).rejects.toMatchObject({
      name: "ControlPlaneError",
      code: "not-converged",
      message: expect.stringContaining(`${NODE} (LDS: I do not like listeners)`),
    });
    expect(client.connected).toBe(true);
  });

  it("tells who has what is made from an object, and waits for those who asked for it only", async () => {
    const { store, plane, ads, http } = await serveShop();
    await using _closing = plane;
    const object = { kind: "ServiceEntry", namespace: "default", name: "shop" };
    using taking = connect(ads, { node: { id: NODE.replace("page", "taking") } });
    using refusing = connect(ads, {
      node: { id: NODE.replace("page", "refusing") },
      onResources: ({ typeUrl: type, resources }) =>
        type === typeUrl("EDS") && JSON.stringify(resources.map(({ json }) => json)).includes("10.0.0.2")
          ? "not this address"
          : undefined,
    });
    using stranger = createDiscoveryClient({
      address: ads,
      node: { id: NODE.replace("page", "stranger") },
      subscriptions: { [typeUrl("EDS")]: ["nobody"] },
      onResources: () => "nothing is right",
    });
    await until(() => taking.resources(typeUrl("EDS")).size > 0 && refusing.resources(typeUrl("EDS")).size > 0);
    await until(() => plane.proxies().length === 3);
    await plane.converged({ object });
    store.set({ "shop.yaml": entry("shop", "10.0.0.2") });
    await expect(plane.converged({ object, timeout: 300 })).rejects.toMatchObject({
      message: expect.stringMatching(
        /^\[?.*1 proxies have not accepted it after 300 ms: .*refusing-1.*not this address/,
      ),
    });
    const states = plane
      .distribution(object)
      .filter(({ typeUrl: type }) => type === typeUrl("EDS"))
      .map(({ node, name, state, meant, has }) => [node.id?.split("~")[2], name, state, meant === has]);
    expect(states.sort()).toEqual([
      ["refusing-1.default", "outbound|80||shop.example.com", "refused", false],
      ["taking-1.default", "outbound|80||shop.example.com", "accepted", true],
    ]);
    const { text } = await page(http, "/debug/distribution?object=ServiceEntry/default/shop");
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(plane.distribution(object))));
    expect((await page(http, "/debug/distribution")).status).toBe(404);
    expect(stranger.connected).toBe(true);
  });

  it("a rejection leads to the object and the place it is written at", async () => {
    const { plane, ads } = await serveShop();
    await using _closing = plane;
    const places: unknown[] = [];
    plane.on(
      "nack",
      ({ resources }) => void places.push(...resources.flatMap(({ sources }) => placesOf(plane, sources))),
    );
    using client = connect(ads, {
      onResources: ({ resources }) =>
        resources.some(({ name }) => name === "outbound|80||shop.example.com")
          ? 'Cluster "outbound|80||shop.example.com" is too small'
          : undefined,
    });
    await until(() => places.length > 0);
    expect(places).toContainEqual({
      object: { kind: "ServiceEntry", namespace: "default", name: "shop" },
      position: { file: "shop.yaml", line: 1, column: 1 },
    });
    expect(client.connected).toBe(true);
  });

  it("tells all that is wrong: with the configuration, registries and settings", async () => {
    const registry = memoryRegistry();
    const diagnostic = { code: "odd", severity: "warning", path: "", message: "an odd service" } as const;
    await using plane = await createControlPlane({
      config: textStore({ "bad.yaml": `${entry("shop")}  nonsense: 1\n`, "good.yaml": entry("good") }),
      registries: [{ ...registry, diagnostics: () => [diagnostic] }],
    });
    expect(plane.diagnostics()).toMatchObject([
      { code: "unknown-field", path: "spec.nonsense", position: { file: "bad.yaml", line: 10, column: 3 } },
      diagnostic,
    ]);
    expect([...plane.mesh.services()].map(({ hostname }) => hostname)).toEqual(["good.example.com"]);
    expect(plane.locate({ kind: "ServiceEntry", namespace: "default", name: "good" }, "spec.hosts")).toEqual({
      file: "good.yaml",
      line: 5,
      column: 3,
    });
  });

  it("closes what it was given to close, once, and opens nothing any more", async () => {
    let closed = 0;
    const registry = {
      ...memoryRegistry(),
      close: () => {
        closed++;
      },
    };
    const store = textStore({ "shop.yaml": entry("shop") });
    const plane = await createControlPlane({ config: store, registries: [registry] });
    const { ads } = await plane.listen({ ads: LOOPBACK });
    const ended = Promise.withResolvers<Error>();
    using client = connect(ads, { onDisconnect: ended.resolve });
    await until(() => plane.proxies().length > 0);
    await Promise.all([plane.close(), plane.close()]);
    expect((await ended.promise).message).toMatch(/UNAVAILABLE/);
    expect(client.connected).toBe(false);
    expect(closed).toBe(1);
    await expect(plane.listen({ ads: LOOPBACK })).rejects.toMatchObject({ code: "closed" });
    // The store is its owner's.
    store.set({ "shop.yaml": entry("other") });
    expect([...store.values()].map(({ metadata }) => metadata.name)).toEqual(["other"]);
  });

  it.each<[string, Parameters<ControlPlane["listen"]>[0], string]>([
    ["plaintext off loopback", { ads: "0.0.0.0:0" }, "insecure"],
    ["mutual TLS without an authority", { ads: LOOPBACK, security: "mtls" }, "insecure"],
    [
      "a certificate service without one",
      { ads: LOOPBACK, certificates: { address: LOOPBACK, authenticators: [] } },
      "insecure",
    ],
    ["an address that is none", { ads: "127.0.0.1:99999" }, "listen-failed"],
    ["an address for pages that is none", { ads: LOOPBACK, http: "256.0.0.1:0" }, "listen-failed"],
  ])("does not listen: %s", async (_, options, code) => {
    await using plane = await createControlPlane({ config: textStore({}) });
    await expect(plane.listen(options)).rejects.toMatchObject({ name: "ControlPlaneError", code });
  });

  it.each<[string, () => Promise<ControlPlane>]>([
    ["the configuration", () => createControlPlane({ config: directoryStore("no/such/folder") })],
    [
      "the settings",
      () => createControlPlane({ config: textStore({}), mesh: { files: { meshConfig: "no/such/file" } } }),
    ],
  ])("is not made when %s cannot be read", async (_, make) => {
    await expect(make()).rejects.toMatchObject({ code: "not-ready", message: expect.stringContaining("no/such") });
  });

  it("a registry that cannot be read is told, and the others are served", async () => {
    const ready = Promise.reject(new Error("no route to host"));
    await using plane = await createControlPlane({
      config: textStore({ "shop.yaml": entry("shop") }),
      registries: [{ ...memoryRegistry({}, "far"), ready }],
    });
    expect(plane.diagnostics()).toMatchObject([
      { severity: "error", message: expect.stringContaining("no route to host") },
    ]);
    expect([...plane.mesh.services()]).toHaveLength(1);
  });
});

describe("pages of a control plane", () => {
  it("tell health, metrics and who has what", async () => {
    const { plane, ads, http } = await serveShop();
    await using _closing = plane;
    using client = connect(ads);
    await until(() => client.resources(typeUrl("EDS")).size > 0 && client.resources(typeUrl("LDS")).size > 0);
    await plane.converged();
    expect(await page(http, "/healthz")).toEqual({ status: 200, text: "ok\n" });
    expect(await page(http, "/readyz")).toEqual({ status: 200, text: "ok\n" });

    const metrics = (await page(http, "/metrics")).text;
    for (const line of [
      "fairlead_xds_streams 1",
      "fairlead_xds_synced_proxies 1",
      'fairlead_xds_acks_total{type="CDS"} 1',
      'fairlead_xds_resources_sent_total{type="EDS"} 1',
      "fairlead_xds_streams_opened_total 1",
      'fairlead_diagnostics{severity="error"} 0',
    ])
      expect(metrics.split("\n")).toContain(line);
    // Every line is a comment or a sample, and every sample belongs to the family before it.
    let family = "";
    for (const line of metrics.trimEnd().split("\n")) {
      family = /^# TYPE (\w+) (counter|gauge|histogram)$/.exec(line)?.[1] ?? family;
      if (!line.startsWith("#"))
        expect(line).toMatch(new RegExp(`^${family}(_bucket|_sum|_count)?(\\{.*\\})? -?[\\d.e+-]+$`));
    }

    expect(JSON.parse((await page(http, "/debug")).text)).toEqual([
      "/debug/proxies",
      "/debug/config_dump",
      "/debug/mesh",
      "/debug/distribution",
      "/debug/rollout",
      "/debug/diagnostics",
    ]);
    expect(JSON.parse((await page(http, "/debug/proxies")).text)).toMatchObject([
      { node: { id: NODE }, mode: "delta" },
    ]);
    expect(JSON.parse((await page(http, "/debug/mesh")).text)).toMatchObject({
      services: [{ hostname: "shop.example.com", ports: ["80/HTTP"], endpoints: 1 }],
    });
    expect(JSON.parse((await page(http, "/debug/diagnostics")).text)).toEqual([]);

    const dump = JSON.parse((await page(http, "/debug/config_dump?proxy=page-1")).text) as Record<string, unknown>;
    expect(dump).toMatchObject({ node: { id: NODE } });
    expect(dump.clusters).toContainEqual({
      resource: expect.objectContaining({ name: "outbound|80||shop.example.com" }),
      sources: ["ServiceEntry default/shop"],
    });
    for (const query of ["", "?proxy=nobody"]) {
      const { status, text } = await page(http, `/debug/config_dump${query}`);
      expect(status).toBe(404);
      expect(text).toContain(NODE);
    }
  });
});

describe("a control plane with an authority", () => {
  const withAuthority = async () => {
    const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    const plane = await createControlPlane({ config: textStore({ "shop.yaml": entry("shop") }), authority });
    return { authority, plane };
  };

  it("lets a proxy in whose certificate is of its namespace and account, and nobody else", async () => {
    const { authority, plane } = await withAuthority();
    await using _authority = authority;
    await using _closing = plane;
    const { ads } = await plane.listen({ ads: LOOPBACK });
    const identity = workloadSpiffeId("cluster.local", "default", "page");
    await using agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
    await agent.ready;
    const secret = agent.get("default");
    if (secret?.kind !== "key-pair") throw new Error("no certificate");
    const tls = credentials.createSsl(
      Buffer.from(authority.trustBundle.x509Authorities.join("")),
      Buffer.from(secret.privateKey),
      Buffer.from(secret.certificateChain),
    );
    using client = connect(ads, { credentials: tls });
    await until(() => client.resources(typeUrl("EDS")).size > 0);
    expect(plane.proxies()).toMatchObject([{ transport: "tls", identities: [identity.uri] }]);

    for (const id of [NODE.replaceAll("default", "vault"), NODE])
      expect(
        await new Promise<string>((resolve) => {
          const node = { id, metadata: { SERVICE_ACCOUNT: "vault" } };
          const other = connect(ads, {
            credentials: tls,
            node,
            onDisconnect: ({ message }) => {
              other.close();
              resolve(message);
            },
          });
        }),
      ).toMatch(/PERMISSION_DENIED.*claims (namespace|service account) vault/);
    const plain = Promise.withResolvers<string>();
    using stranger = connect(ads, { onDisconnect: ({ message }) => plain.resolve(message) });
    expect(await plain.promise).toMatch(/UNAVAILABLE/);
    expect(stranger.connected).toBe(false);
  });

  it("has a certificate for each address it listens on", async () => {
    const { authority, plane } = await withAuthority();
    await using _authority = authority;
    await using _closing = plane;
    const first = await plane.listen({ ads: LOOPBACK });
    const second = await plane.listen({ ads: "127.0.0.2:0", serverNames: ["control.example"] });
    const namesAt = (address: string) =>
      new Promise<string | undefined>((resolve, reject) => {
        const [host, port] = address.split(":");
        const socket = dial({ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ["h2"] }, () => {
          resolve(socket.getPeerCertificate().subjectaltname);
          socket.destroy();
        });
        socket.on("error", reject);
      });
    expect(await namesAt(first.ads)).toContain("IP Address:127.0.0.1");
    expect(await namesAt(second.ads)).toContain("IP Address:127.0.0.2");
    expect(await namesAt(second.ads)).toContain("DNS:control.example");
  });

  it("issues certificates to who may ask, on an address of its own", async () => {
    const { authority, plane } = await withAuthority();
    await using _authority = authority;
    await using _closing = plane;
    const tokens = joinTokens();
    const identity = workloadSpiffeId("cluster.local", "default", "page");
    const { certificates } = await plane.listen({
      ads: LOOPBACK,
      certificates: { address: LOOPBACK, authenticators: [tokens] },
    });
    await using agent = createAgent({
      identity,
      ca: grpcCaClient({
        address: certificates ?? "",
        roots: authority.trustBundle.x509Authorities.join(""),
        token: tokens.add({ identity }),
      }),
    });
    await agent.ready;
    expect(agent.get("default")?.kind).toBe("key-pair");
  });
});
