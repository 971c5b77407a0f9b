import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryKeyManager, selfSignedAuthority } from "@fairlead/ca";
import { createAgent, inProcessClient } from "@fairlead/ca/agent";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { workloadSpiffeId } from "@fairlead/model";
import { describe, expect, test } from "vitest";
import { type EnvoyProcess, startEnvoy } from "../support/envoy-process.ts";
import { canCapture, capture, type Namespace, PROXY_USER, startNetwork } from "../support/netns.ts";

/** Workloads that know nothing of proxies: the kernel hands their connections to our listeners. */

const here = await canCapture();

/** The virtual address of the service is on no interface: only its listener knows it. */
const MESH = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [shop.test]
  addresses: [10.98.0.1]
  ports:
  - {number: 80, name: http, protocol: HTTP, targetPort: 8080}
  - {number: 9000, name: tcp, protocol: TCP}
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints:
  - address: 10.99.0.3
    serviceAccount: shop
    labels: {app: shop, security.istio.io/tlsMode: istio}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: nameless}
spec:
  hosts: [nameless.test]
  ports: [{number: 9000, name: tcp, protocol: TCP}]
  location: MESH_INTERNAL
  resolution: STATIC
  endpoints:
  - address: 10.99.0.3
    serviceAccount: shop
    labels: {app: shop, security.istio.io/tlsMode: istio}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  mtls: {mode: PERMISSIVE}
  portLevelMtls: {"8080": {mode: STRICT}, "9000": {mode: STRICT}}
`;

/** Tells whom it sees: its own side of the connection, the other one, and what headers say. */
const HTTP_SERVER = (port: number) => `require("node:http").createServer((q, r) => {
  const { localAddress, localPort, remoteAddress } = q.socket;
  r.end(JSON.stringify({ localAddress, localPort, remoteAddress, client: q.headers["x-forwarded-client-cert"] }));
}).listen(${port}, "0.0.0.0", () => console.log("serves"));`;

const TCP_SERVER = `require("node:net").createServer((s) => {
  s.on("error", () => {});
  s.once("data", (d) => s.end(d + " " + s.localAddress + ":" + s.localPort + " from " + s.remoteAddress));
}).listen(9000, "0.0.0.0", () => console.log("serves"));`;

const get = (
  url: string,
  host: string,
) => `require("node:http").get(${JSON.stringify(url)}, { headers: { host: ${JSON.stringify(host)} } }, (r) => {
  let b = ""; r.on("data", (d) => b += d); r.on("end", () => console.log(r.statusCode + " " + b));
}).on("error", (e) => console.log(e.code));`;

const send = (
  host: string,
  port: number,
) => `const s = require("node:net").connect(${port}, ${JSON.stringify(host)}, () => s.write("hello"));
let b = ""; s.on("data", (d) => b += d); s.on("close", () => console.log(b)); s.on("error", (e) => console.log(e.code));`;

describe.skipIf(!here)("interception", () => {
  test.each(["REDIRECT", "TPROXY"] as const)("%s", async (mode) => {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "interception-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    await chown(folder, PROXY_USER, PROXY_USER);
    const network = stack.use(await startNetwork());
    const authority = stack.use(await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() }));
    const plane = stack.use(await createControlPlane({ config: textStore({ mesh: MESH }) }));
    const nacks: string[] = [];
    plane.on("nack", ({ message }) => void nacks.push(message));
    const ads = `unix:${join(folder, "ads")}`;
    await plane.listen({ ads });
    await chmod(join(folder, "ads"), 0o666);

    const start = async (name: string, { address, asProxy }: Namespace): Promise<EnvoyProcess> => {
      const identity = workloadSpiffeId("cluster.local", "default", name);
      const agent = stack.use(createAgent({ identity, ca: inProcessClient(authority, identity) }));
      await agent.ready;
      const sdsPath = join(folder, `${name}.sds`);
      await agent.listen(`unix:${sdsPath}`);
      await chown(sdsPath, PROXY_USER, PROXY_USER);
      const envoy = await startEnvoy({
        node: {
          id: `sidecar~${address}~${name}-1.default~default.svc.cluster.local`,
          metadata: { INTERCEPTION_MODE: mode, DNS_CAPTURE: "true", SERVICE_ACCOUNT: name, LABELS: { app: name } },
        },
        ads,
        adsSecurity: "plaintext",
        sdsPath,
        admin: `unix:${join(folder, `${name}.admin`)}`,
        within: asProxy,
      });
      stack.use(envoy);
      await envoy.ready();
      return envoy;
    };
    const { client, server } = network;
    await server.serve(HTTP_SERVER(8080));
    await server.serve(HTTP_SERVER(7000));
    await server.serve(TCP_SERVER);
    const proxies = { client: await start("client", client), shop: await start("shop", server) };
    await plane.converged();
    expect(nacks).toEqual([]);
    await capture(client, mode);
    await capture(server, mode);

    /** Under TPROXY the workload sees who called; else it sees its own proxy. */
    const caller = mode === "TPROXY" ? client.address : "127.0.0.6";
    const certified = expect.stringContaining("URI=spiffe://cluster.local/ns/default/sa/client");
    const asked = async (url: string, host: string) => {
      const answer = await client.node(get(url, host));
      expect(answer).toMatch(/^200 /);
      return JSON.parse(answer.slice(4));
    };
    // By its virtual address, over mutual TLS, to the workload's port.
    expect(await asked("http://10.98.0.1/", "shop.test")).toEqual({
      localAddress: server.address,
      localPort: 8080,
      remoteAddress: caller,
      client: certified,
    });
    expect(await client.node(send("10.98.0.1", 9000))).toBe(`hello ${server.address}:9000 from ${caller}`);
    // By the address that was allocated to its name, which an agent that answers DNS would have given.
    const [allocated = ""] =
      [...plane.mesh.services()].find(({ name }) => name === "nameless.test")?.allocatedAddresses ?? [];
    expect(allocated).toMatch(/^240\.240\./);
    expect(await client.node(send(allocated, 9000))).toBe(`hello ${server.address}:9000 from ${caller}`);
    // By its own address, which no service has: handed on as it was, to the original destination.
    expect(await asked(`http://${server.address}:7000/`, "other.test")).toEqual({
      localAddress: server.address,
      localPort: 7000,
      remoteAddress: caller,
    });
    // Past the client's proxy, in plaintext: not where mutual TLS is demanded.
    expect(await client.node(get(`http://${server.address}:8080/`, "shop.test"), "proxy")).toBe("ECONNRESET");
    expect(await client.node(get(`http://${server.address}:7000/`, "x"), "proxy")).toMatch(/^200 /);

    const statistic = async (envoy: EnvoyProcess, filter: string) => {
      const { body } = await envoy.admin(`/stats?format=json&filter=${encodeURIComponent(filter)}`);
      return JSON.parse(body).stats as { readonly name: string; readonly value: number }[];
    };
    const total = (list: readonly { readonly value: number }[]) =>
      list.reduce((sum, { value }) => sum + (value ?? 0), 0);
    // All but the one that no filter chain takes.
    expect(total(await statistic(proxies.shop, "^listener\\.0\\.0\\.0\\.0_15006\\.downstream_cx_total$"))).toBe(5);
    expect(total(await statistic(proxies.client, "PassthroughCluster.*upstream_cx_total$"))).toBe(1);
    expect(total(await statistic(proxies.shop, "^listener.*15006.*ssl.handshake$"))).toBe(3);
  });
});
