import { X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { initAuthority } from "@fairlead/ca";
import { createAgent, inProcessClient } from "@fairlead/ca/agent";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { formatDiagnostic, workloadSpiffeId } from "@fairlead/model";
import { manifestCredentials } from "@fairlead/registry/credentials";
import { expect, it } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";
import { outsideAuthority, tlsSecret } from "../support/server-certificate.ts";

const GATEWAY = "127.0.61.2";

const server = (port: number, host: string, tls: string) => `
    - port: { number: ${port}, name: https-${port}, protocol: HTTPS }
      bind: ${GATEWAY}
      hosts: [${host}]
      tls: { ${tls} }`;

const mesh = (backend: number) => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop, namespace: shop }
spec:
  selector: { app: gateway }
  servers:${server(9443, "shop.example", "mode: SIMPLE, credentialName: shop-tls")}${server(9444, "partner.example", "mode: MUTUAL, credentialName: partner-tls")}${server(9445, "vault.example", "mode: SIMPLE, credentialName: vault-tls")}${server(9446, "vault.example", "mode: SIMPLE, credentialName: vault/vault-tls")}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop, namespace: shop }
spec:
  hosts: ["*"]
  gateways: [shop]
  http:
    - route: [{ destination: { host: backend.example } }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: backend, namespace: shop }
spec:
  hosts: [backend.example]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: STATIC
  endpoints: [{ address: 127.0.0.1, ports: { http: ${backend} } }]
`;

interface Client {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** GET over TLS: what came, and the certificate that the server showed. */
function get(port: number, host: string, client: Client): Promise<{ body: string; certificate: PeerCertificate }> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: GATEWAY, port, servername: host, headers: { host }, agent: false, timeout: 3000, ...client },
      (response) => {
        const certificate = (response.socket as TLSSocket).getPeerCertificate();
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on("end", () => resolve({ body, certificate }));
        response.on("error", reject);
      },
    );
    call.on("timeout", () => call.destroy(new Error("no answer in 3 s")));
    call.on("error", reject);
    call.end();
  });
}

async function until<T>(what: () => Promise<T>, good: (value: T) => boolean): Promise<T> {
  const end = Date.now() + 10_000;
  for (;;) {
    const value = await what().catch((error: unknown) => error);
    if (!(value instanceof Error) && good(value as T)) return value as T;
    if (Date.now() > end) throw value instanceof Error ? value : new Error(`it did not come; last ${String(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

it("a gateway serves HTTPS with the credentials of Secrets, follows their changes, and is given none of another namespace", async () => {
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "gateway-tls-"));
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const web = stack.use(await outsideAuthority());
  const partners = stack.use(await outsideAuthority());
  const backend = createServer((_, response) => response.end("hello from behind"));
  await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
  stack.defer(() => void backend.close());
  const first = await web.issue("shop.example");
  const vault = await web.issue("vault.example");
  const partnerServer = await web.issue("partner.example");
  const store = textStore({
    "mesh.yaml": mesh((backend.address() as AddressInfo).port),
    "shop-tls.yaml": tlsSecret("shop-tls", "shop", first),
    "partner-tls.yaml": tlsSecret("partner-tls", "shop", partnerServer, partners.roots),
    "vault-tls.yaml": tlsSecret("vault-tls", "vault", vault),
  });
  const authority = await initAuthority(join(home, "pki"), { trustDomain: "cluster.local" });
  stack.defer(() => authority.close());
  const plane = stack.use(
    await createControlPlane({ config: store, authority, credentials: manifestCredentials(store.documents) }),
  );
  const { ads, http } = await plane.listen({ ads: "127.0.61.1:15010", http: "127.0.61.1:15014" });

  const identity = workloadSpiffeId("cluster.local", "shop", "gateway");
  const agent = stack.use(createAgent({ identity, ca: inProcessClient(authority, identity) }));
  await agent.ready;
  const sdsPath = join(home, "sds.sock");
  await agent.listen(`unix:${sdsPath}`);
  const envoy = stack.use(
    await startEnvoy({
      node: {
        id: `router~${GATEWAY}~gateway-1.shop~shop.svc.cluster.local`,
        metadata: { NAMESPACE: "shop", SERVICE_ACCOUNT: "gateway", LABELS: { app: "gateway" } },
      },
      ads,
      adsServerNames: ["spiffe://cluster.local/ns/istio-system/sa/istiod"],
      sdsPath,
      admin: `${GATEWAY}:15000`,
    }),
  );
  await envoy.ready();
  await plane.converged();

  const browser = { ca: web.roots };
  const simple = await until(
    () => get(9443, "shop.example", browser),
    () => true,
  );
  expect(simple.body).toBe("hello from behind");
  const { fingerprint256 } = new X509Certificate(first.certificateChain);
  expect(simple.certificate.fingerprint256).toBe(fingerprint256);

  const partner = await partners.issue("client.partner.example");
  const shown = { ...browser, cert: partner.certificateChain, key: partner.privateKey };
  expect((await get(9444, "partner.example", shown)).body).toBe("hello from behind");
  await expect(get(9444, "partner.example", browser)).rejects.toThrow();
  const stranger = await web.issue("client.stranger.example");
  await expect(
    get(9444, "partner.example", { ...browser, cert: stranger.certificateChain, key: stranger.privateKey }),
  ).rejects.toThrow();

  // The Secret is in another namespace, however it is named: the listeners have no certificate to show.
  await expect(get(9445, "vault.example", browser)).rejects.toThrow();
  await expect(get(9446, "vault.example", browser)).rejects.toThrow();

  const second = await web.issue("shop.example");
  store.set({ "shop-tls.yaml": tlsSecret("shop-tls", "shop", second) });
  const renewed = new X509Certificate(second.certificateChain).fingerprint256;
  await until(
    () => get(9443, "shop.example", browser),
    ({ certificate }) => certificate.fingerprint256 === renewed,
  );

  // A key that is another's is said, and what was good goes on.
  store.set({ "shop-tls.yaml": tlsSecret("shop-tls", "shop", { ...first, privateKey: vault.privateKey }) });
  expect(plane.diagnostics().map(formatDiagnostic)).toEqual([
    ...plane
      .diagnostics()
      .filter(({ object }) => object?.kind !== "Secret")
      .map(formatDiagnostic),
    expect.stringMatching(/shop-tls\.yaml:\d+:\d+: error Secret shop\/shop-tls data: tls\.key is not the key/),
  ]);
  await plane.converged();
  expect((await get(9443, "shop.example", browser)).certificate.fingerprint256).toBe(renewed);

  // Keys are in nothing that people are shown.
  const keys = [first, second, vault, partnerServer].flatMap(({ privateKey }) => [
    privateKey.split("\n")[1] ?? "",
    Buffer.from(privateKey).toString("base64").slice(60, 120),
  ]);
  const dump = await (await fetch(`http://${http}/debug/config_dump?proxy=gateway-1`)).text();
  expect(dump).toContain("kubernetes://shop-tls");
  expect(dump).toContain("[redacted]");
  const pages = await Promise.all(
    ["proxies", "mesh", "diagnostics"].map(async (page) => (await fetch(`http://${http}/debug/${page}`)).text()),
  );
  const shownTexts = [
    dump,
    ...pages,
    JSON.stringify(plane.diagnostics()),
    JSON.stringify(plane.proxies()),
    envoy.log(),
  ];
  for (const key of keys) for (const text of shownTexts) expect(text).not.toContain(key);
});
