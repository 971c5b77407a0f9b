import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { initAuthority } from "@fairlead/ca";
import { createDiscoveryClient } from "@fairlead/xds/client";
import { credentials } from "@grpc/grpc-js";
import { expect, it, vi } from "vitest";
import { startEnvoy } from "../support/envoy-process.ts";
import { startServer } from "../support/server-process.ts";
import { JWKS, tokenOf } from "../support/token.ts";

const MAIN = join(import.meta.dirname, "../../packages/cli/src/main.ts");
const HOST = "127.0.74.1";
const [ADS, HTTP, CERTIFICATES] = [`${HOST}:15010`, `${HOST}:15014`, `${HOST}:15012`];
const NODE = {
  id: "sidecar~127.0.74.9~page.default~default.svc.cluster.local",
  metadata: { SERVICE_ACCOUNT: "page", INTERCEPTION_MODE: "NONE" },
};
const run = promisify(execFile);

/** An issuer of tokens that is found by its OpenID configuration. */
async function issuer(stack: AsyncDisposableStack): Promise<string> {
  const server = createServer(({ url }, response) => {
    const told = { issuer: at(), jwks_uri: `${at()}/keys` };
    response.end(url === "/keys" ? JWKS : JSON.stringify(told));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stack.defer(() => void server.close());
  const at = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return at();
}

/** A page, asked for under another name than this machine's, as a proxy before it would. */
function page(path: string, authorization?: string): Promise<{ readonly status: number; readonly body: string }> {
  const headers = { host: "control.mesh.test", ...(authorization ? { authorization } : {}) };
  return new Promise((resolve, reject) =>
    get(`http://${HTTP}${path}`, { headers }, async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") });
    }).on("error", reject),
  );
}

it("serve takes tokens of an issuer that its settings name: of a proxy, of an agent, and of who reads its pages", async () => {
  await using stack = new AsyncDisposableStack();
  const home = await mkdtemp(join(tmpdir(), "serve-"));
  stack.defer(() => rm(home, { recursive: true, force: true }));
  const at = (...names: string[]) => join(home, ...names);
  await (await initAuthority(at("pki"), { trustDomain: "cluster.local" })).close();
  const roots = at("pki", "root-cert.pem");
  const iss = await issuer(stack);
  const token = (account: string, namespace = "default") =>
    tokenOf({ iss, aud: "istio-ca", sub: `system:serviceaccount:${namespace}:${account}` });
  await writeFile(at("mesh.yaml"), "");
  await writeFile(at("debug-token"), "0123456789abcdef0123\n");
  await writeFile(at("token"), token("page"));
  await writeFile(
    at("plane.yaml"),
    `authenticators: { jwt: [{ issuer: "${iss}", audiences: [istio-ca] }] }
discovery: { serverNames: [control.mesh.test], maxStreamsPerSecond: 50 }
debug: { tokenFile: debug-token }
`,
  );
  const words = ["serve", "-f", at("mesh.yaml"), "--ca", at("pki"), "--control-plane-config", at("plane.yaml")];
  const serve = await startServer(
    process.execPath,
    [MAIN, ...words, "--ads", ADS, "--http", HTTP, "--certificates", CERTIFICATES],
    async () => (await page("/readyz")).status === 200,
  );
  stack.defer(() => serve.end());

  const dial = `openssl s_client -connect ${ADS} -CAfile ${roots} -alpn h2 -verify_hostname control.mesh.test </dev/null`;
  const { stdout: tls } = await run("sh", ["-c", dial]);
  expect(tls).toContain("Verification: OK");
  expect(tls).toContain("TLSv1.3");

  const secured = credentials.createSsl(await readFile(roots));
  const ends = (metadata: Record<string, string>) =>
    new Promise<string>((resolve) => {
      const client = createDiscoveryClient({
        ...{ address: ADS, credentials: secured, node: NODE, metadata, onResources: () => void resolve("served") },
        subscriptions: { "type.googleapis.com/envoy.config.cluster.v3.Cluster": ["*"] },
        onDisconnect: ({ message }) => resolve(message),
      });
      stack.defer(() => client.close());
    });
  expect(await ends({})).toMatch(/^16 UNAUTHENTICATED/);
  expect(await ends({ authorization: `Bearer ${token("cart")}` })).toMatch(/^7 PERMISSION_DENIED.*says cart/);

  const envoy = stack.use(
    await startEnvoy({
      ...{ node: NODE, ads: ADS, admin: "127.0.74.9:15000" },
      patch: (bootstrap) =>
        JSON.parse(JSON.stringify(bootstrap), (_, value) => {
          const { name, typedConfig, envoyGrpc } = (value ?? {}) as Record<string, Record<string, unknown>>;
          if (envoyGrpc?.clusterName === "xds-grpc")
            return { envoyGrpc, initialMetadata: [{ key: "authorization", value: `Bearer ${token("page")}` }] };
          if (String(name) !== "envoy.transport_sockets.tls") return value;
          const commonTlsContext = {
            tlsParams: { tlsMaximumProtocolVersion: "TLSv1_3" },
            validationContext: { trustedCa: { filename: roots } },
          };
          return { name, typedConfig: { "@type": typedConfig?.["@type"], commonTlsContext } };
        }) as Record<string, unknown>,
    }),
  );
  await envoy.ready();
  expect((await page("/debug/proxies")).status).toBe(403);
  expect((await page("/debug/proxies", `Bearer ${token("page")}`)).status).toBe(403);
  expect((await page("/debug/proxies", `Bearer ${token("reader", "istio-system")}`)).status).toBe(200);
  const shown = await page("/debug/proxies", "Bearer 0123456789abcdef0123");
  expect(JSON.parse(shown.body)).toMatchObject([{ node: { id: NODE.id }, types: expect.any(Array) }]);

  const agent = await startServer(
    process.execPath,
    [
      ...[MAIN, "agent", "--sds", `unix:${at("sds")}`, "--ca", CERTIFICATES, "--roots", roots, "--out", at("out")],
      ...["--id", "spiffe://cluster.local/ns/default/sa/page", "--token-file", at("token")],
    ],
    async () => (await readFile(at("out", "cert-chain.pem"), "utf8")) !== "",
  );
  stack.defer(() => agent.end());
  const { stdout } = await run("openssl", ["verify", "-x509_strict", "-CAfile", roots, at("out", "cert-chain.pem")]);
  expect(stdout).toContain("OK");
  await vi.waitFor(() => expect(serve.log()).toContain(`${NODE.id} connected`));
  expect(serve.log() + agent.log()).not.toContain("DEP0123");
  for (const secret of ["0123456789abcdef0123", token("page").split(".")[1] ?? "-"])
    expect(serve.log() + agent.log()).not.toContain(secret);
});
