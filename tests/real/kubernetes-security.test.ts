import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bundlePem,
  createCsr,
  inspectCertificate,
  memoryKeyManager,
  newPrivateKey,
  type SelfSignedAuthority,
  selfSignedAuthority,
  verifyX509Svid,
} from "@fairlead/ca";
import { grpcCaClient } from "@fairlead/ca/grpc";
import { distributeRoots } from "@fairlead/ca/kubernetes";
import { type KubernetesObject, leaderElection, listWatch, RESOURCES } from "@fairlead/kubernetes";
import { parseSpiffeId } from "@fairlead/model";
import { createDiscoveryClient } from "@fairlead/xds/client";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { hasKube, type KubeServer, startKube } from "../support/kube.ts";
import { freePorts, type ServerProcess, startServer } from "../support/server-process.ts";

const here = await hasKube("the control plane's security on a Kubernetes API server");
const MAIN = join(import.meta.dirname, "../../packages/cli/src/main.ts");
const CONFIG_MAP = "istio-ca-root-cert";

describe.skipIf(!here)("on a real Kubernetes API server", () => {
  let server: KubeServer;
  const closing = new AbortController();
  beforeAll(async () => {
    server = await startKube();
    await server.createNamespace("shop");
    await server.createNamespace("istio-system");
  });
  afterAll(async () => {
    closing.abort();
    await server?.close();
  });

  const configMap = async (namespace: string) => {
    const { data } = await server.client.get(RESOURCES.configMaps, CONFIG_MAP, { namespace });
    return (data as Record<string, string>)["root-cert.pem"];
  };
  const trustBundle = async () => {
    const { spec } = await server.client.get(RESOURCES.clusterTrustBundles, "istio.io:istiod-ca:root-cert");
    return (spec as { trustBundle: string }).trustBundle;
  };

  it("roots reach every namespace and the cluster's trust bundle, follow a rotation, and are put right when changed", async () => {
    const { client } = server;
    await using authority = await selfSignedAuthority({ trustDomain: "mesh.test", keys: memoryKeyManager() });
    const problems: string[] = [];
    const terms: string[] = [];
    const stand = (identity: string) =>
      leaderElection(client, {
        ...{ namespace: "istio-system", name: "roots", identity, leaseSeconds: 4, renewSeconds: 3, retrySeconds: 1 },
        onElected: (signal) => {
          terms.push(identity);
          void distributeRoots({ client, authority, signal, onProblem: ({ message }) => problems.push(message) });
        },
      });
    const first = stand("one");
    await vi.waitFor(async () => expect(await configMap("shop")).toBe(bundlePem(authority.trustBundle)), 10_000);
    const second = stand("two");
    await vi.waitFor(async () => expect(await trustBundle()).toBe(bundlePem(authority.trustBundle)), 5_000);
    await expect(configMap("kube-system")).rejects.toMatchObject({ code: "not-found" });

    await server.createNamespace("late");
    await vi.waitFor(async () => expect(await configMap("late")).toBe(bundlePem(authority.trustBundle)), 5_000);
    const tampered = { data: { "root-cert.pem": "mine", other: "kept" } };
    await client.mergePatch(RESOURCES.configMaps, CONFIG_MAP, tampered, { namespace: "shop" });
    await vi.waitFor(async () => expect(await configMap("shop")).toBe(bundlePem(authority.trustBundle)), 5_000);
    await client.delete(RESOURCES.configMaps, CONFIG_MAP, { namespace: "late" });
    await vi.waitFor(async () => expect(await configMap("late")).toBe(bundlePem(authority.trustBundle)), 5_000);

    await first.close();
    await vi.waitFor(() => expect(terms).toEqual(["one", "two"]), 15_000);
    await authority.prepare();
    await vi.waitFor(async () => expect(inspectCertificate(await trustBundle())).toHaveLength(2), 5_000);
    for (const namespace of ["shop", "late", "default", "istio-system"])
      await vi.waitFor(async () => expect(await configMap(namespace)).toBe(bundlePem(authority.trustBundle)), 5_000);
    await second.close();
    expect(problems).toEqual([]);
    for (const namespace of ["shop", "late", "default", "istio-system"])
      await client.delete(RESOURCES.configMaps, CONFIG_MAP, { namespace });
    await client.delete(RESOURCES.clusterTrustBundles, "istio.io:istiod-ca:root-cert");
  });

  describe("serve, with a kubeconfig", () => {
    const signers = new Map<string, SelfSignedAuthority>();
    let [home, ads, certificates] = ["", "", ""];
    let serve: ServerProcess;
    const at = (name: string) => join(home, name);

    /** Signs what was approved for the signers of the mesh, as controllers of a cluster do. */
    const sign = async (request: KubernetesObject) => {
      const { spec, status, metadata } = request as KubernetesObject & {
        spec: { request: string; signerName: string };
        status?: { certificate?: string; conditions?: { type: string }[] };
      };
      const signer = signers.get(spec.signerName);
      if (!signer || status?.certificate || !status?.conditions?.some(({ type }) => type === "Approved")) return;
      const csr = Buffer.from(spec.request, "base64").toString("utf8");
      const issued = await signer.issue({ csr, identity: parseSpiffeId("spiffe://mesh.test/ns/shop/sa/web") });
      const certificate = Buffer.from(issued.certificateChain.join("")).toString("base64");
      const type = RESOURCES.certificateSigningRequests;
      await server.client.patchStatus(type, metadata.name, { certificate });
    };

    beforeAll(async () => {
      for (const name of ["mesh.example/team-a", "mesh.example/team-b"])
        signers.set(name, await selfSignedAuthority({ trustDomain: "mesh.test", keys: memoryKeyManager() }));
      const requests = listWatch(server.client, RESOURCES.certificateSigningRequests, { signal: closing.signal });
      requests.subscribe((changes) => {
        for (const { value } of changes) if (value) void sign(value).catch((error) => console.error(error));
      });
      home = await mkdtemp(join(tmpdir(), "kube-serve-"));
      const [adsPort, certificatesPort] = await freePorts(2);
      [ads, certificates] = [`127.0.0.1:${adsPort}`, `127.0.0.1:${certificatesPort}`];
      const cluster = { server: server.url, "certificate-authority-data": Buffer.from(server.ca).toString("base64") };
      const kubeconfig = {
        clusters: [{ name: "c", cluster }],
        users: [{ name: "u", user: { token: server.token } }],
        contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
        "current-context": "x",
      };
      const caCertificates = [...signers].map(([name, signer]) => ({
        pem: bundlePem(signer.trustBundle),
        certSigners: [name],
      }));
      const settings = {
        kubernetes: { kubeconfig: "kubeconfig", distributeRoots: true },
        authenticators: { kubernetes: {} },
        certificates: { signerDomain: "mesh.example", nodeAgents: ["istio-system/ztunnel"] },
      };
      await writeFile(at("kubeconfig"), JSON.stringify(kubeconfig));
      await writeFile(at("mesh-config.yaml"), JSON.stringify({ trustDomain: "mesh.test", caCertificates }));
      await writeFile(at("plane.yaml"), JSON.stringify(settings));
      await writeFile(at("mesh.yaml"), "");
      serve = await startServer(
        process.execPath,
        [
          ...[MAIN, "serve", "-f", at("mesh.yaml"), "--ca", at("pki"), "--mesh-config", at("mesh-config.yaml")],
          ...["--control-plane-config", at("plane.yaml"), "--ads", ads, "--certificates", certificates],
        ],
        async () => (await readFile(at("pki/root-cert.pem"))).length > 0,
      );
      await vi.waitFor(() => expect(serve.log()).toContain("serving 0 services"), 20_000);
    });
    afterAll(async () => {
      await serve?.end();
      for (const signer of signers.values()) await signer.close();
      await rm(home, { recursive: true, force: true });
    });

    const tokenOf = async (name: string, audience = "istio-ca", pod?: KubernetesObject) => {
      const namespace = pod?.metadata.namespace ?? "shop";
      await server.client.create(RESOURCES.serviceAccounts, { metadata: { name, namespace } }).catch(() => undefined);
      const type = { ...RESOURCES.serviceAccounts, kind: "TokenRequest", plural: `serviceaccounts/${name}/token` };
      const bound = pod && { apiVersion: "v1", kind: "Pod", name: pod.metadata.name, uid: pod.metadata.uid };
      const { status } = await server.client.create(type, {
        apiVersion: "authentication.k8s.io/v1",
        metadata: { namespace },
        spec: { audiences: [audience], expirationSeconds: 600, ...(bound ? { boundObjectRef: bound } : {}) },
      });
      return (status as { token: string }).token;
    };
    const roots = () => readFile(at("pki/root-cert.pem"), "utf8");
    /** `served`, or the status a stream ends with. */
    const ask = async (token: string | undefined, account = "web", namespace = "shop") => {
      const secured = credentials.createSsl(Buffer.from(await roots()));
      return new Promise<string>((resolve) => {
        const client = createDiscoveryClient({
          ...{ address: ads, credentials: secured },
          node: {
            id: `sidecar~10.0.0.9~${account}-1.${namespace}~${namespace}.svc.cluster.local`,
            metadata: { SERVICE_ACCOUNT: account },
          },
          metadata: token === undefined ? {} : { authorization: `Bearer ${token}` },
          subscriptions: { "type.googleapis.com/envoy.config.cluster.v3.Cluster": ["*"] },
          onResources: () => end("served"),
          onDisconnect: ({ message }) => end(message),
        });
        const end = (outcome: string) => {
          client.close();
          resolve(outcome);
          return undefined;
        };
      });
    };

    it("a proxy proves by its service account token who it is", async () => {
      const token = await tokenOf("web");
      expect(await ask(token)).toBe("served");
      expect(await ask(token, "other")).toMatch(/^7 PERMISSION_DENIED.*says web/);
      expect(await ask(token, "web", "istio-system")).toMatch(/^7 PERMISSION_DENIED.*says shop/);
      expect(await ask(undefined)).toMatch(/^16 UNAUTHENTICATED/);
      expect(await ask(await tokenOf("web", "other"))).toMatch(/^16 UNAUTHENTICATED/);
      expect(await ask(`${token.slice(0, -4)}AAAA`)).toMatch(/^16 UNAUTHENTICATED/);
      const gone = await tokenOf("gone");
      expect(await ask(gone, "gone")).toBe("served");
      await server.client.delete(RESOURCES.serviceAccounts, "gone", { namespace: "shop" });
      await vi.waitFor(async () => expect(await ask(gone, "gone")).toMatch(/^16 UNAUTHENTICATED/), 15_000);
      expect(serve.log()).not.toContain(token.split(".")[1]);
    });

    it("several signers of the cluster sign, each under its own root, by the CertSigner of the request", async () => {
      const token = await tokenOf("web");
      const identity = parseSpiffeId("spiffe://mesh.test/ns/shop/sa/web");
      const request = async (metadata: Record<string, string>) => {
        const client = grpcCaClient({ address: certificates, roots: await roots(), token, metadata });
        const csr = createCsr({ key: newPrivateKey("ec-p256"), identity });
        const { signal } = closing;
        return client.sign({ csr, ttlSeconds: 3600, current: undefined, roots: undefined, signal });
      };
      for (const [name, signer] of signers) {
        const { certificateChain, roots } = await request({ CertSigner: name.split("/")[1] ?? "" });
        expect(roots.join("")).toBe(bundlePem(signer.trustBundle));
        const bundle = () => signer.trustBundle;
        expect(verifyX509Svid(certificateChain.join(""), { at: Date.now(), bundle }).id.uri).toBe(identity.uri);
      }
      const { roots: own } = await request({});
      expect(own.join("")).toBe(await roots());
      expect(serve.log()).not.toContain("certSigners");
      for (const CertSigner of ["team-c", "../team-a", "TEAM-A", `team-${"a".repeat(10_000)}`])
        await expect(request({ CertSigner })).rejects.toThrow(/SIGNER_UNKNOWN/);
    });

    it("the agent of a node has certificates for the workloads of its own node, and no others", async () => {
      const podOf = async (name: string, namespace: string, serviceAccountName: string, nodeName: string) => {
        await server.client
          .create(RESOURCES.serviceAccounts, { metadata: { name: serviceAccountName, namespace } })
          .catch(() => undefined);
        await server.client.create(RESOURCES.nodes, { metadata: { name: nodeName } }).catch(() => undefined);
        const containers = [{ name: "main", image: "main" }];
        const spec = { nodeName, serviceAccountName, containers, terminationGracePeriodSeconds: 0 };
        return server.client.create(RESOURCES.pods, { metadata: { name, namespace }, spec });
      };
      const agent = await podOf("ztunnel-1", "istio-system", "ztunnel", "node-1");
      await podOf("near", "shop", "near", "node-1");
      await podOf("far", "shop", "far", "node-2");
      const imposter = await podOf("near-2", "shop", "near", "node-2");
      const ask = async (token: string, account: string) => {
        const wanted = `spiffe://mesh.test/ns/shop/sa/${account}`;
        const metadata = { ImpersonatedIdentity: wanted };
        const client = grpcCaClient({ address: certificates, roots: await roots(), token, metadata });
        const csr = createCsr({ key: newPrivateKey("ec-p256"), identity: parseSpiffeId(wanted) });
        const request = { csr, ttlSeconds: 600, current: undefined, roots: undefined, signal: closing.signal };
        const { certificateChain } = await client.sign(request);
        return inspectCertificate(certificateChain.join(""))[0]?.spiffeId;
      };
      const token = await tokenOf("ztunnel", "istio-ca", agent);
      await vi.waitFor(async () => expect(await ask(token, "near")).toBe("spiffe://mesh.test/ns/shop/sa/near"), 10_000);
      await expect(ask(token, "far")).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
      await expect(ask(await tokenOf("near", "istio-ca", imposter), "far")).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
      });
      await server.client.delete(RESOURCES.pods, "near", { namespace: "shop" });
      await vi.waitFor(() => expect(ask(token, "near")).rejects.toMatchObject({ code: "UNAUTHENTICATED" }), 10_000);
    });

    it("the roots are in the cluster", async () => {
      await vi.waitFor(async () => expect(await configMap("shop")).toBe(await roots()), 10_000);
      await vi.waitFor(async () => expect(await trustBundle()).toBe(await roots()), 10_000);
      expect(serve.log()).not.toContain("roots:");
    });
  });
});
