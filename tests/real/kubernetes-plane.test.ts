import {
  bundlePem,
  CaError,
  createCsr,
  memoryKeyManager,
  newPrivateKey,
  type SelfSignedAuthority,
  selfSignedAuthority,
} from "@fairlead/ca";
import { kubernetesAuthority } from "@fairlead/ca/kubernetes";
import { type ConfigObject, destinationRule, virtualService } from "@fairlead/config";
import { type KubernetesStore, kubernetesStore } from "@fairlead/config/kubernetes";
import { type ControlPlane, createControlPlane } from "@fairlead/control-plane";
import { writeStatus } from "@fairlead/control-plane/kubernetes";
import { type KubernetesObject, leaderElection, listWatch, RESOURCES } from "@fairlead/kubernetes";
import { parseSpiffeId } from "@fairlead/model";
import { kubernetesRegistry } from "@fairlead/registry/kubernetes";
import { createDiscoveryClient } from "@fairlead/xds";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { hasKube, type KubeServer, startKube } from "../support/kube.ts";

const here = await hasKube("a control plane on a Kubernetes API server");

const CLUSTERS = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

describe.skipIf(!here)("on a real Kubernetes API server", () => {
  let server: KubeServer;
  beforeAll(async () => {
    server = await startKube();
    await server.installDefinitions();
    await server.createNamespace("shop");
  });
  afterAll(() => server?.close());

  describe("a control plane", () => {
    let store: KubernetesStore;
    let plane: ControlPlane;
    let ads: string;
    const terms = new AbortController();

    beforeAll(async () => {
      store = kubernetesStore({ client: server.client });
      plane = await createControlPlane({ config: store, registries: [kubernetesRegistry({ client: server.client })] });
      ({ ads } = await plane.listen({ ads: "127.0.0.1:0" }));
    });
    afterAll(async () => {
      terms.abort();
      await plane?.close();
      store?.close();
    });

    const status = (name: string, kind = "DestinationRule") =>
      store.stored({ kind, namespace: "shop", name })?.object.status as
        | {
            observedGeneration?: string;
            conditions?: { type: string; status: string; reason: string; message: string }[];
          }
        | undefined;
    const condition = (name: string, kind?: string) =>
      status(name, kind)?.conditions?.find(({ type }) => type === "Reconciled");
    const rule = (name: string, spec: object) =>
      destinationRule({ name, namespace: "shop" }, spec as never) as ConfigObject;

    it("serves Services of the cluster, and changes of them", async () => {
      const names: string[][] = [];
      const client = createDiscoveryClient({
        address: ads,
        node: { id: "sidecar~10.0.0.9~page-1.shop~shop.svc.cluster.local", metadata: { NAMESPACE: "shop" } },
        subscriptions: { [CLUSTERS]: ["*"] },
        onResources: ({ resources }) => {
          names.push(resources.map(({ name }) => name));
          return undefined;
        },
      });
      const service = {
        metadata: { name: "web", namespace: "shop" },
        spec: { ports: [{ name: "http", port: 80 }], selector: { app: "web" } },
      };
      await server.client.create(RESOURCES.services, service);
      await vi.waitFor(() => expect(names.at(-1)).toContain("outbound|80||web.shop.svc.cluster.local"), 10_000);
      client.close();
    });

    it("writes what became of each object, as the leader only", async () => {
      const elections: { close(): Promise<void> }[] = [];
      let writers = 0;
      for (const identity of ["one", "two"])
        elections.push(
          leaderElection(server.client, {
            namespace: "shop",
            name: "status",
            identity,
            onElected: (signal) => {
              writers++;
              void writeStatus({
                plane,
                store,
                signal: AbortSignal.any([signal, terms.signal]),
                debounce: 50,
                patience: 2_000,
                analyze: () => [
                  {
                    code: "IST0001",
                    severity: "warning",
                    message: "made for this test",
                    path: "",
                    object: { kind: "DestinationRule", namespace: "shop", name: "good" },
                  },
                ],
              });
            },
          }),
        );
      await store.transact([
        { put: rule("good", { host: "web.shop.svc.cluster.local", trafficPolicy: { tls: { mode: "DISABLE" } } }) },
      ]);
      await vi.waitFor(() => expect(condition("good")).toMatchObject({ status: "True", reason: "Accepted" }), 10_000);
      expect(status("good")).toMatchObject({
        observedGeneration: "1",
        validationMessages: [{ type: { code: "IST0001" }, level: "WARNING" }],
      });
      // A proxy that rejects the cluster.
      const client = createDiscoveryClient({
        address: ads,
        node: { id: "sidecar~10.0.0.8~page-2.shop~shop.svc.cluster.local", metadata: { NAMESPACE: "shop" } },
        subscriptions: { [CLUSTERS]: ["*"] },
        onResources: ({ resources }) =>
          resources.some(({ json }) => JSON.stringify(json).includes('"maxConnections":77'))
            ? "Error adding/updating cluster(s) outbound|80||web.shop.svc.cluster.local: 77 is refused"
            : undefined,
      });
      await store.transact([
        {
          put: rule("good", {
            host: "web.shop.svc.cluster.local",
            trafficPolicy: { connectionPool: { tcp: { maxConnections: 77 } } },
          }),
        },
      ]);
      await vi.waitFor(() => expect(condition("good")).toMatchObject({ status: "False", reason: "Rejected" }), 15_000);
      expect(condition("good")?.message).toContain("77 is refused");
      expect(status("good")?.observedGeneration).toBe("2");
      await store.transact([{ put: rule("good", { host: "web.shop.svc.cluster.local" }) }]);
      await vi.waitFor(() => expect(condition("good")).toMatchObject({ status: "True", reason: "Accepted" }), 20_000);
      client.close();
      expect(writers).toBe(1);
      for (const election of elections) await election.close();
      // What is in force did not move for all that was written.
      const { metadata } = await server.client.get(
        { apiVersion: "networking.istio.io/v1", kind: "DestinationRule", plural: "destinationrules", namespaced: true },
        "good",
        { namespace: "shop" },
      );
      expect(metadata.generation).toBe(3);
    });

    it("goes on serving while the API server is away, and takes in what changed when it is back", async () => {
      await server.restart();
      await vi.waitFor(
        () =>
          server.client.create(
            {
              apiVersion: "networking.istio.io/v1",
              kind: "VirtualService",
              plural: "virtualservices",
              namespaced: true,
            },
            {
              metadata: { name: "late", namespace: "shop" },
              spec: virtualService("late", { hosts: ["late.com"], http: [{ directResponse: { status: 200 } }] }).spec,
            },
          ),
        10_000,
      );
      await vi.waitFor(() => expect(store.get("VirtualService/shop/late")).toBeDefined(), 30_000);
    });
  });

  describe("an authority on the cluster's signing API", () => {
    const signerName = "fairlead.dev/mesh";
    const identity = parseSpiffeId("spiffe://mesh.test/ns/shop/sa/web");
    let signer: SelfSignedAuthority;
    const closing = new AbortController();
    /** What the signer does to the next requests. */
    let behaviour: "sign" | "other-identity" | "deny" | "nothing" = "sign";

    beforeAll(async () => {
      signer = await selfSignedAuthority({ trustDomain: "mesh.test", keys: memoryKeyManager() });
      const requests = listWatch(server.client, RESOURCES.certificateSigningRequests, { signal: closing.signal });
      const done = new Set<string>();
      const serve = async (request: KubernetesObject) => {
        const { spec, status, metadata } = request as KubernetesObject & {
          spec: { request: string; signerName: string };
          status?: { conditions?: { type: string }[] };
        };
        const approved = status?.conditions?.some(({ type }) => type === "Approved");
        if (spec.signerName !== signerName || !approved || done.has(metadata.name) || behaviour === "nothing") return;
        done.add(metadata.name);
        const current = await server.client.get(RESOURCES.certificateSigningRequests, metadata.name);
        if (behaviour === "deny") {
          const condition = { type: "Failed", status: "True", reason: "No", message: "not today" };
          const conditions = [...(status?.conditions ?? []), condition];
          await server.client.replace(
            RESOURCES.certificateSigningRequests,
            { ...current, status: { ...status, conditions } },
            { subresource: "status" },
          );
          return;
        }
        const csr = Buffer.from(spec.request, "base64").toString("utf8");
        const who = behaviour === "other-identity" ? parseSpiffeId("spiffe://mesh.test/ns/shop/sa/other") : identity;
        const key = newPrivateKey("ec-p256");
        const issued = await signer.issue({
          csr: behaviour === "other-identity" ? createCsr({ key, identity: who }) : csr,
          identity: who,
        });
        const certificate = Buffer.from(issued.certificateChain.join("")).toString("base64");
        await server.client.replace(
          RESOURCES.certificateSigningRequests,
          { ...current, status: { ...(current.status as object), certificate } },
          { subresource: "status" },
        );
      };
      requests.subscribe((changes) => {
        for (const { value } of changes) if (value) void serve(value).catch((error) => console.error(error));
      });
      await requests.ready;
    });
    afterAll(async () => {
      closing.abort();
      await signer?.close();
    });
    const open = (options = {}) =>
      kubernetesAuthority({
        client: server.client,
        trustDomain: "mesh.test",
        signerName,
        roots: bundlePem(signer.trustBundle),
        timeout: 3_000,
        ...options,
      });
    const csr = (id = identity) => createCsr({ key: newPrivateKey("ec-p256"), identity: id });

    it("issues what the signer signed, and leaves no request behind", async () => {
      behaviour = "sign";
      await using authority = await open();
      const issued = await authority.issue({ csr: csr(), identity });
      expect(issued.certificateChain).toHaveLength(1);
      expect(issued.roots).toEqual(signer.trustBundle.x509Authorities);
      await vi.waitFor(
        async () => expect((await server.client.list(RESOURCES.certificateSigningRequests)).items).toEqual([]),
        5_000,
      );
    });

    it.each([
      ["other-identity", "SIGNING_FAILED", /signed spiffe:\/\/mesh\.test\/ns\/shop\/sa\/other/],
      ["deny", "POLICY_DENIED", /not today/],
      ["nothing", "REQUEST_FAILED", /no certificate/],
    ] as const)("gives nothing when the signer does this: %s", async (what, code, message) => {
      behaviour = what;
      await using authority = await open();
      const failure = await authority.issue({ csr: csr(), identity }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(CaError);
      expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
    });

    it("files no request that names another identity, or none", async () => {
      behaviour = "sign";
      await using authority = await open();
      const key = newPrivateKey("ec-p256");
      for (const request of [csr(parseSpiffeId("spiffe://mesh.test/ns/shop/sa/other")), createCsr({ key })])
        await expect(authority.issue({ csr: request, identity })).rejects.toMatchObject({ code: "CSR_SAN_MISMATCH" });
    });
  });
});
