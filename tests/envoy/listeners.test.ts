import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, type Counted, startEcho, startReply, tally } from "../support/echo.ts";
import { object, type Proxied, startProxied } from "../support/proxied.ts";
import { outsideAuthority } from "../support/server-certificate.ts";

/** Listeners that a Sidecar asks for, and that the mesh does, at real Envoys. */

const NET = "127.0.74";
const CLIENT = `${NET}.2`;
const SERVER = `${NET}.3`;
const HTTP_PROXY = 19_074;
const BOTH_FAMILIES = 19_075;
const PROXIES = {
  client: { address: CLIENT, metadata: { HTTP_PROXY_PORT: String(HTTP_PROXY) } },
  server: { address: SERVER },
  gate: { address: `${NET}.4`, type: "router", metadata: { INSTANCE_IPS: `${NET}.4,::1` } },
} as const;

const at = (folder: string, name: string) => join(folder, `${name}.sock`);

function mesh(folder: string): string {
  const ingress = (number: number, protocol: string, defaultEndpoint: string, more: object = {}) => ({
    port: { number, protocol, name: `${protocol.toLowerCase()}-${number}` },
    bind: SERVER,
    captureMode: "NONE",
    defaultEndpoint,
    ...more,
  });
  const pair = { serverCertificate: `${folder}/cert.pem`, privateKey: `${folder}/key.pem` };
  const port = (number: number, protocol: string) => ({
    number,
    name: `port-${number}`,
    protocol,
  });
  const labels = { app: "server", "security.istio.io/tlsMode": "istio" };
  const server = {
    workloadSelector: { labels: { app: "server" } },
    ingress: [
      ingress(9080, "HTTP", `unix://${at(folder, "http")}`),
      ingress(9081, "TCP", `unix://${at(folder, "tcp")}`),
      ingress(9082, "HTTP", `127.0.0.1:19076`),
      ingress(9083, "HTTPS", `unix://${at(folder, "http")}`, { tls: { mode: "SIMPLE", ...pair } }),
      ingress(9084, "HTTP", `unix://${at(folder, "http")}`, {
        connectionPool: { tcp: { maxConnections: 1 }, http: { http1MaxPendingRequests: 1 } },
      }),
    ],
    egress: [{ hosts: ["~/*"] }],
  };
  const client = {
    workloadSelector: { labels: { app: "client" } },
    egress: [
      { port: port(0, "HTTP"), bind: `unix://${at(folder, "out")}`, hosts: ["*/shop.test"] },
      { port: port(9090, "HTTP"), bind: CLIENT, captureMode: "NONE", hosts: ["*/shop.test"] },
      { port: port(3128, "HTTP_PROXY"), bind: CLIENT, captureMode: "NONE", hosts: ["*/*"] },
      { hosts: ["*/*"] },
    ],
  };
  const policy = (mode: string) => ({
    selector: { matchLabels: { app: "server" } },
    mtls: { mode: "PERMISSIVE" },
    portLevelMtls: { 9082: { mode }, 9083: { mode: "DISABLE" } },
  });
  return [
    object("Sidecar", "client", client),
    object("Sidecar", "server", server),
    object("PeerAuthentication", "server", policy("STRICT")),
    object("ServiceEntry", "shop", {
      hosts: ["shop.test"],
      addresses: ["10.74.0.1"],
      location: "MESH_INTERNAL",
      resolution: "STATIC",
      ports: [
        { ...port(9090, "HTTP"), targetPort: 9082 },
        { ...port(9091, "HTTP"), targetPort: 9080 },
      ],
      endpoints: [{ address: SERVER, labels, serviceAccount: "server" }],
    }),
    object("Gateway", "both", {
      selector: { app: "gate" },
      servers: [{ port: port(BOTH_FAMILIES, "HTTP"), hosts: ["*"] }],
    }),
    object("VirtualService", "both", {
      hosts: ["*"],
      gateways: ["both"],
      http: [{ directResponse: { status: 200, body: { string: "both" } } }],
    }),
  ].join("---\n");
}

describe("listeners", () => {
  const stack = new AsyncDisposableStack();
  let folder = "";
  let ca = "";
  let proxied: Proxied<keyof typeof PROXIES>;
  let program: Counted;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "listeners-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const web = stack.use(await outsideAuthority());
    ca = web.roots;
    const { certificateChain, privateKey } = await web.issue("shop.test");
    await writeFile(join(folder, "cert.pem"), certificateChain);
    await writeFile(join(folder, "key.pem"), privateKey);
    program = stack.use(
      await startEcho("program", at(folder, "http"), ({ path }) => (path === "/slow" ? { after: 300 } : undefined)),
    );
    stack.use(await startReply("program", at(folder, "tcp")));
    stack.use(await startEcho("strict", "127.0.0.1:19076"));
    const server = { ...PROXIES.server, files: folder };
    const files = { "mesh.yaml": mesh(folder) };
    proxied = stack.use(await startProxied({ net: NET, files, proxies: { ...PROXIES, server } }));
  });
  afterAll(() => stack.disposeAsync());

  it("lead to a program's Unix sockets, HTTP and TCP", async () => {
    expect((await ask(`${SERVER}:9080`, "shop.test")).got?.by).toBe("program");
    const text = await new Promise((resolve) => {
      let received = "";
      const socket = connect(9081, SERVER, () => void socket.write("hello\n"));
      socket.on("data", (chunk) => {
        received += chunk.toString();
      });
      socket.on("close", () => resolve(received));
    });
    expect(text).toBe("program: hello\n");
  });

  it("take only mutual TLS where that is demanded, and tell who calls", async () => {
    await expect(ask(`${SERVER}:9082`, "shop.test")).rejects.toThrow();
    const { got } = await ask(`${CLIENT}:9090`, "shop.test:9090");
    expect(got?.by).toBe("strict");
    expect(got?.headers["x-forwarded-client-cert"]).toContain("URI=spiffe://cluster.local/ns/default/sa/client");
  });

  it("end TLS with a certificate of the Sidecar's own", async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const options = { host: SERVER, port: 9083, servername: "shop.test", ca, headers: { host: "shop.test" } };
      get(options, (response) => {
        let body = "";
        response.on("data", (chunk) => {
          body += chunk;
        });
        response.on("end", () => resolve(body));
      }).on("error", reject);
    });
    expect(JSON.parse(answer).by).toBe("program");
  });

  it("hold connections back from the program", async () => {
    program.hits = 0;
    const answers = await tally(20, async (agent) => {
      const { status } = await ask(`${SERVER}:9084`, "shop.test", { agent, path: "/slow" });
      return String(status);
    });
    expect(program.hits).toBeLessThanOrEqual(2);
    expect(answers).toEqual({ 200: program.hits, 503: 20 - program.hits });
  });

  it("are reached by a Unix socket, and as an HTTP proxy", async () => {
    expect((await ask(at(folder, "out"), "shop.test:9090")).got?.by).toBe("strict");
    const path = "http://shop.test:9091/asked";
    for (const proxy of [`127.0.0.1:${HTTP_PROXY}`, `${CLIENT}:3128`]) {
      const { got } = await ask(proxy, "shop.test:9091", { path });
      expect([got?.by, got?.path]).toEqual(["program", "/asked"]);
    }
  });

  it("are there in both families of addresses", async () => {
    expect((await ask(`127.0.0.1:${BOTH_FAMILIES}`, "a.test")).body).toBe("both");
    expect((await ask(`[::1]:${BOTH_FAMILIES}`, "a.test")).body).toBe("both");
  });

  it("all are accepted", () => {
    expect(proxied.plane.proxies().every(({ types }) => types.every(({ synced }) => synced))).toBe(true);
  });
});
