// Longer than most files: a mesh in which every feature of connections has a host of its own, and what comes of each.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect as connectTcp, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bound } from "../../examples/demo/measure.ts";
import { ask, startReply, tally } from "../support/echo.ts";
import { object, startProxied } from "../support/proxied.ts";
import { outsideAuthority } from "../support/server-certificate.ts";

/** TCP and TLS through real Envoys: routed, wrapped in TLS, and led through other proxies. */

const NET = "127.0.72";
const PORT = 9000;
const REQUESTS = 1000;
const PROXIES = { client: { address: `${NET}.2` }, other: { address: `${NET}.3`, namespace: "far" } } as const;
const BACKENDS = { v1: `${NET}.11`, v2: `${NET}.12` } as const;
const TLS_SERVER = `${NET}.13`;
const TUNNEL = `${NET}.14`;

/** Where the client's proxy listens for each service. */
const AT = {
  split: 9001,
  ports: 9002,
  otherPort: 9003,
  subnets: 9004,
  labels: 9005,
  sniffed: 9006,
  text: 9007,
  binary: 9008,
  tunnelled: 9009,
  names: 9010,
} as const;
type Name = Exclude<keyof typeof AT, "otherPort">;

const destination = (host: string, subset?: string, port?: number) => ({
  destination: { host: `${host}.test`, ...(subset ? { subset } : {}), ...(port ? { port: { number: port } } : {}) },
});

interface Service {
  readonly spec?: object;
  readonly policy?: object;
  readonly routes?: object;
}

const port = (number: number, protocol: string, targetPort = PORT) => ({
  number,
  name: `port-${number}`,
  ...(protocol ? { protocol } : {}),
  targetPort,
});

const SERVICES: Readonly<Record<Name, Service>> = {
  split: {
    routes: {
      tcp: [
        {
          route: [
            { ...destination("split", "v1"), weight: 70 },
            { ...destination("split", "v2"), weight: 30 },
          ],
        },
      ],
    },
  },
  ports: {
    spec: { ports: [port(AT.ports, "TCP"), port(AT.otherPort, "TCP")] },
    routes: {
      tcp: [
        { match: [{ port: AT.otherPort }], route: [destination("ports", "v2", AT.otherPort)] },
        { match: [{ port: AT.ports }], route: [destination("ports", "v1", AT.ports)] },
      ],
    },
  },
  subnets: {
    routes: {
      tcp: [
        { match: [{ destinationSubnets: [`${NET}.61/32`] }], route: [destination("subnets", "v2")] },
        { route: [destination("subnets", "v1")] },
      ],
    },
  },
  labels: {
    routes: {
      tcp: [
        { match: [{ sourceLabels: { app: "client" } }], route: [destination("labels", "v2")] },
        { match: [{ sourceNamespace: "far" }], route: [destination("labels", "v1")] },
      ],
    },
  },
  sniffed: {
    spec: { ports: [port(AT.sniffed, "")] },
    routes: {
      http: [
        { match: [{ uri: { prefix: "/direct" } }], directResponse: { status: 201 } },
        { route: [destination("sniffed", "v1")] },
      ],
    },
  },
  text: { policy: { proxyProtocol: { version: "V1" } } },
  binary: { policy: { proxyProtocol: { version: "V2" } } },
  tunnelled: {
    spec: { endpoints: [{ address: TUNNEL, labels: { version: "v1" } }] },
    policy: { tunnel: { protocol: "CONNECT", targetHost: "far.example", targetPort: 7777 } },
    routes: { tcp: [{ route: [destination("tunnelled")] }] },
  },
  names: {
    spec: { ports: [port(AT.names, "TLS", 9443)], hosts: ["names.test", "other-names.test"] },
    routes: {
      hosts: ["names.test", "other-names.test"],
      tls: [
        {
          match: [{ sniHosts: ["names.test"], port: AT.names }],
          route: [
            { ...destination("names", "v1"), weight: 20 },
            { ...destination("names", "v2"), weight: 80 },
          ],
        },
        { match: [{ sniHosts: ["other-names.test"] }], route: [destination("names", "v1")] },
      ],
    },
  },
};

/** How services over TLS are called, each in its `tls` settings, and what comes of it: what the server sees of the client. */
const MODES = (
  folder: string,
): Readonly<Record<string, { readonly tls?: object; readonly answer: string | number }>> => {
  const caCertificates = join(folder, "ca.pem");
  const own = { clientCertificate: join(folder, "cert.pem"), privateKey: join(folder, "key.pem") };
  return {
    "disable.test": { tls: { mode: "DISABLE" }, answer: 503 },
    "simple.test": { tls: { mode: "SIMPLE", caCertificates, sni: "tls.example" }, answer: "tls.example nobody" },
    "named.test": {
      tls: { mode: "SIMPLE", caCertificates, sni: "tls.example", subjectAltNames: ["tls.example"] },
      answer: "tls.example nobody",
    },
    "misnamed.test": {
      tls: { mode: "SIMPLE", caCertificates, sni: "tls.example", subjectAltNames: ["else.example"] },
      answer: 503,
    },
    "distrusted.test": { tls: { mode: "SIMPLE", caCertificates: join(folder, "others.pem") }, answer: 503 },
    "unverified.test": {
      tls: { mode: "SIMPLE", insecureSkipVerify: true, sni: "any.example" },
      answer: "any.example nobody",
    },
    "mutual.test": {
      tls: { mode: "MUTUAL", caCertificates, ...own, sni: "tls.example" },
      answer: "tls.example client.example",
    },
    "mesh.test": { tls: { mode: "ISTIO_MUTUAL", sni: "tls.example", subjectAltNames: [] }, answer: 503 },
  };
};

function mesh(folder: string): string {
  const plain = (Object.keys(SERVICES) as Name[]).flatMap((name) => {
    const { spec, policy, routes } = SERVICES[name];
    const host = `${name}.test`;
    return [
      object("ServiceEntry", name, {
        hosts: [host],
        ports: [port(AT[name], "TCP")],
        location: "MESH_EXTERNAL",
        resolution: "STATIC",
        endpoints: Object.entries(BACKENDS).map(([version, address]) => ({ address, labels: { version } })),
        ...spec,
      }),
      object("DestinationRule", name, {
        host,
        subsets: Object.keys(BACKENDS).map((version) => ({ name: version, labels: { version } })),
        ...(policy ? { trafficPolicy: policy } : {}),
      }),
      ...(routes ? [object("VirtualService", name, { hosts: [host], ...routes })] : []),
    ];
  });
  const wrapped = Object.entries(MODES(folder)).flatMap(([host, { tls }]) => {
    const name = host.replaceAll(".", "-");
    return [
      object("ServiceEntry", name, {
        hosts: [host],
        ports: [port(9200, "HTTP", 9443)],
        location: "MESH_EXTERNAL",
        resolution: "STATIC",
        endpoints: [{ address: TLS_SERVER }],
      }),
      object("DestinationRule", name, {
        host,
        trafficPolicy: {
          // A port of its own way beside what holds for the others.
          tls: { mode: "DISABLE" },
          portLevelSettings: [{ port: { number: 9200 }, tls }],
        },
      }),
    ];
  });
  const egress = (host: string, number: number, protocol = "TCP", bind: string = PROXIES.client.address) => {
    const { targetPort: _, ...listenPort } = port(number, protocol);
    return { port: listenPort, bind, captureMode: "NONE", hosts: [`*/${host}`] };
  };
  const listeners = [
    ...(["split", "ports", "labels", "text", "binary", "tunnelled"] as const).map((name) =>
      egress(`${name}.test`, AT[name]),
    ),
    egress("ports.test", AT.otherPort),
    egress("subnets.test", AT.subnets, "TCP", "0.0.0.0"),
    egress("sniffed.test", AT.sniffed, ""),
    egress("names.test", AT.names, "TLS"),
    egress("*", 9200, "HTTP"),
  ];
  const other = [egress("labels.test", AT.labels, "TCP", PROXIES.other.address)];
  return [
    ...plain,
    ...wrapped,
    object("Sidecar", "default", { egress: listeners }),
    object("Sidecar", "default", { egress: other }, { namespace: "far" }),
  ].join("---\n");
}

describe("connections through real Envoys", () => {
  const stack = new AsyncDisposableStack();
  let folder = "";
  /** What the tunnel was asked for. */
  const asked: string[] = [];

  const serve = async (server: NetServer, at: number, address: string) => {
    await new Promise<void>((resolve) => server.listen(at, address, resolve));
    stack.defer(() => void server.close());
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "streams-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const web = stack.use(await outsideAuthority());
    const others = stack.use(await outsideAuthority());
    const server = await web.issue("tls.example");
    const client = await web.issue("client.example");
    await writeFile(join(folder, "ca.pem"), web.roots);
    await writeFile(join(folder, "others.pem"), others.roots);
    await writeFile(join(folder, "cert.pem"), client.certificateChain);
    await writeFile(join(folder, "key.pem"), client.privateKey);
    for (const [name, address] of Object.entries(BACKENDS)) {
      stack.use(await startReply(name, `${address}:${PORT}`));
      const { certificateChain: cert, privateKey: key } = server;
      const tls = createTlsServer({ cert, key }, (socket) => socket.on("error", () => undefined).end(name));
      await serve(tls, 9443, address);
    }
    const { certificateChain: cert, privateKey: key } = server;
    const secure = createHttpsServer(
      { cert, key, ca: web.roots, requestCert: true, rejectUnauthorized: false },
      ({ socket }, response) => {
        const tls = socket as TLSSocket;
        const names = tls.authorized ? tls.getPeerCertificate().subjectaltname : undefined;
        response.end(`${tls.servername} ${/DNS:([^,]+)/.exec(names ?? "")?.[1] ?? "nobody"}`);
      },
    );
    await serve(secure, 9443, TLS_SERVER);
    const tunnel = createServer().on("connect", (request, socket) => {
      asked.push(String(request.url));
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.once("data", (bytes) => socket.end(`through: ${bytes}`));
    });
    await serve(tunnel, PORT, TUNNEL);
    const proxies = { ...PROXIES, client: { ...PROXIES.client, files: folder } };
    stack.use(await startProxied({ net: NET, files: { "mesh.yaml": mesh(folder) }, proxies }));
  });
  afterAll(() => stack.disposeAsync());

  /** What comes back for these bytes before the connection ends. */
  const say = (at: number, address: string = PROXIES.client.address) =>
    new Promise<string>((resolve) => {
      let text = "";
      const socket = connectTcp({ host: address, port: at, timeout: 5000 }, () => void socket.write("hello\n"));
      socket.on("data", (chunk) => {
        text += chunk.toString("latin1");
      });
      socket.on("timeout", () => socket.destroy());
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(text.trimEnd()));
    });
  const name = (servername: string) =>
    new Promise<string>((resolve) => {
      let text = "";
      const socket = connectTls({
        host: PROXIES.client.address,
        port: AT.names,
        servername,
        rejectUnauthorized: false,
      });
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      socket.on("error", () => undefined).on("close", () => resolve(text));
    });
  const within = (counts: Readonly<Record<string, number>>, shares: Readonly<Record<string, number>>) => {
    for (const [version, share] of Object.entries(shares))
      expect(Math.abs((counts[version] ?? 0) - REQUESTS * share), JSON.stringify(counts)).toBeLessThanOrEqual(
        bound(REQUESTS, share),
      );
  };

  // One honest run in a thousand is outside for each share; two in a row are not believed.
  it("are split by weight", { retry: 1 }, async () => {
    within(await tally(REQUESTS, () => say(AT.split)), { "v1: hello": 0.7, "v2: hello": 0.3 });
  });

  it("are split by weight within the server name", { retry: 1 }, async () => {
    within(await tally(REQUESTS, () => name("names.test")), { v1: 0.2, v2: 0.8 });
    expect(await name("other-names.test")).toBe("v1");
    expect(await name("unknown.test")).toBe("");
  });

  it("are told apart by port, by address, and by who connects", async () => {
    expect([await say(AT.ports), await say(AT.otherPort)]).toEqual(["v1: hello", "v2: hello"]);
    expect([await say(AT.subnets, `${NET}.60`), await say(AT.subnets, `${NET}.61`)]).toEqual([
      "v1: hello",
      "v2: hello",
    ]);
    expect([await say(AT.labels), await say(AT.labels, PROXIES.other.address)]).toEqual(["v2: hello", "v1: hello"]);
  });

  it("are HTTP where they look so, on a port that says nothing", async () => {
    expect((await ask(`${PROXIES.client.address}:${AT.sniffed}`, "sniffed.test", { path: "/direct" })).status).toBe(
      201,
    );
    expect(await say(AT.sniffed)).toMatch(/^v[12]: hello$/);
  });

  it("begin with the PROXY protocol, in text and in binary", async () => {
    const first = await say(AT.text);
    expect(first).toMatch(new RegExp(`^v[12]: PROXY TCP4 127\\.0\\.0\\.1 ${PROXIES.client.address} \\d+ ${AT.text}`));
    const second = await say(AT.binary);
    expect(second.slice(4)).toContain("\r\n\r\n\0\r\nQUIT\n!");
  });

  it("go through a tunnel", async () => {
    expect(await say(AT.tunnelled)).toBe("through: hello");
    expect(asked).toEqual(["far.example:7777"]);
  });

  it.each(Object.keys(MODES("")))("are wrapped in TLS: %s", async (host) => {
    const { answer } = MODES(folder)[host] ?? {};
    const { status, body } = await ask(`${PROXIES.client.address}:9200`, `${host}:9200`);
    expect(status === 200 ? body : status, body).toBe(answer);
  });
});
