// Longer than most files: a gateway with a server for each way to serve, and what clients meet.
import { createHash, X509Certificate } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, createServer as createTlsServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, startEcho, startReply } from "../support/echo.ts";
import { object, startProxied } from "../support/proxied.ts";
import { outsideAuthority, type ServerCertificate } from "../support/server-certificate.ts";

/** Gateways in every TLS mode, at a real Envoy. */

const NET = "127.0.73";
const GATE = `${NET}.2`;
const BOUNDARY = `${NET}.3`;
const SERVICE = `${NET}.11`;

/** Ports of the gateway. */
const AT = {
  simple: 9441,
  mutual: 9442,
  optional: 9443,
  named: 9444,
  modern: 9445,
  old: 9446,
  passthrough: 9447,
  terminated: 9448,
  tcp: 9449,
  redirect: 9450,
  merged: 9451,
  pinned: 9452,
  hashed: 9453,
  tunnelled: 9454,
} as const;

/** What the gateway knows clients by, beside who vouches for them. */
interface Pins {
  readonly spki: string;
  readonly hash: string;
}

function mesh(folder: string, { spki, hash }: Pins): string {
  const pair = { serverCertificate: `${folder}/cert.pem`, privateKey: `${folder}/key.pem` };
  const caCertificates = `${folder}/clients.pem`;
  const https = (name: keyof typeof AT, tls: object) => ({
    port: { number: AT[name], name, protocol: "HTTPS" },
    bind: GATE,
    hosts: [`${name}.test`],
    tls,
  });
  const servers = [
    https("simple", { mode: "SIMPLE", ...pair }),
    https("mutual", { mode: "MUTUAL", ...pair, caCertificates }),
    https("optional", { mode: "OPTIONAL_MUTUAL", ...pair, caCertificates }),
    https("named", { mode: "MUTUAL", ...pair, caCertificates, subjectAltNames: ["known.example"] }),
    https("pinned", { mode: "MUTUAL", ...pair, caCertificates, verifyCertificateSpki: [spki] }),
    https("hashed", { mode: "MUTUAL", ...pair, caCertificates, verifyCertificateHash: [hash] }),
    https("modern", { mode: "SIMPLE", ...pair, minProtocolVersion: "TLSV1_3" }),
    https("old", {
      mode: "SIMPLE",
      ...pair,
      minProtocolVersion: "TLSV1_2",
      maxProtocolVersion: "TLSV1_2",
      cipherSuites: ["ECDHE-ECDSA-AES256-GCM-SHA384"],
    }),
    {
      port: { number: AT.passthrough, name: "passthrough", protocol: "TLS" },
      bind: GATE,
      hosts: ["one.test", "two.test"],
      tls: { mode: "PASSTHROUGH" },
    },
    {
      port: { number: AT.terminated, name: "terminated", protocol: "TLS" },
      bind: GATE,
      hosts: ["terminated.test"],
      tls: { mode: "SIMPLE", ...pair },
    },
    { port: { number: AT.tcp, name: "tcp", protocol: "TCP" }, bind: GATE, hosts: ["*"] },
    { port: { number: AT.tunnelled, name: "tunnelled", protocol: "TCP" }, bind: GATE, hosts: ["*"] },
    {
      port: { number: AT.redirect, name: "redirect", protocol: "HTTP" },
      bind: GATE,
      hosts: ["simple.test"],
      tls: { httpsRedirect: true },
    },
    { port: { number: AT.merged, name: "merged", protocol: "HTTP" }, bind: GATE, hosts: ["first.test"] },
  ];
  const to = (host: string, number: number) => [{ destination: { host, port: { number } } }];
  const second = { port: { number: AT.merged, name: "merged", protocol: "HTTP" }, bind: GATE, hosts: ["second.test"] };
  const proxied = { port: { number: 9460, name: "http", protocol: "HTTP" }, bind: BOUNDARY, hosts: ["*"] };
  return [
    object("Gateway", "gate", { selector: { app: "gate" }, servers }),
    object("Gateway", "another", { selector: { app: "gate" }, servers: [second] }),
    object("Gateway", "boundary", { selector: { app: "boundary" }, servers: [proxied] }),
    object("ServiceEntry", "shop", {
      hosts: ["shop.test"],
      ports: [
        { number: 80, name: "http", protocol: "HTTP", targetPort: 9080 },
        { number: 81, name: "tcp", protocol: "TCP", targetPort: 9081 },
        { number: 443, name: "tls-one", protocol: "TLS", targetPort: 9101 },
        { number: 444, name: "tls-two", protocol: "TLS", targetPort: 9102 },
      ],
      resolution: "STATIC",
      endpoints: [{ address: SERVICE }],
    }),
    object("VirtualService", "shop", {
      hosts: ["*"],
      gateways: ["gate", "another", "boundary"],
      http: [{ route: to("shop.test", 80) }],
      tls: [
        { match: [{ sniHosts: ["one.test"] }], route: to("shop.test", 443) },
        { match: [{ sniHosts: ["two.test"] }], route: to("shop.test", 444) },
      ],
      tcp: [
        { match: [{ port: AT.tcp }, { port: AT.terminated }], route: to("shop.test", 81) },
        { match: [{ port: AT.tunnelled }], route: to("tunnel.test", 80) },
      ],
    }),
    object("ServiceEntry", "tunnel", {
      hosts: ["tunnel.test"],
      ports: [{ number: 80, name: "tcp", protocol: "TCP", targetPort: 9082 }],
      resolution: "STATIC",
      endpoints: [{ address: SERVICE }],
    }),
    object("DestinationRule", "tunnel", {
      host: "tunnel.test",
      trafficPolicy: { tunnel: { protocol: "CONNECT", targetHost: "far.example", targetPort: 7777 } },
    }),
  ].join("---\n");
}

describe("a gateway", () => {
  const stack = new AsyncDisposableStack();
  const clients: Record<string, ServerCertificate> = {};
  let ca = "";

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "gateways-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const web = stack.use(await outsideAuthority());
    const partners = stack.use(await outsideAuthority());
    const server = await web.issue(...Object.keys(AT).map((name) => `${name}.test`), "one.test", "two.test");
    ca = web.roots;
    clients.known = await partners.issue("known.example");
    clients.other = await partners.issue("other.example");
    clients.stranger = await web.issue("known.example");
    const shown = new X509Certificate(clients.known.certificateChain);
    const pins: Pins = {
      spki: createHash("sha256")
        .update(shown.publicKey.export({ type: "spki", format: "der" }))
        .digest("base64"),
      hash: createHash("sha256").update(shown.raw).digest("hex"),
    };
    const tunnel = createServer().on("connect", (request, socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.once("data", (bytes) => socket.end(`${request.url}: ${bytes}`));
    });
    await new Promise<void>((resolve) => tunnel.listen(9082, SERVICE, resolve));
    stack.defer(() => void tunnel.close());
    await writeFile(join(folder, "cert.pem"), server.certificateChain);
    await writeFile(join(folder, "key.pem"), server.privateKey);
    await writeFile(join(folder, "clients.pem"), partners.roots);
    stack.use(await startEcho("shop", `${SERVICE}:9080`));
    stack.use(await startReply("shop", `${SERVICE}:9081`));
    for (const [port, name] of [
      [9101, "one"],
      [9102, "two"],
    ] as const) {
      const tls = createTlsServer({ cert: server.certificateChain, key: server.privateKey }, (socket) =>
        socket.on("error", () => undefined).end(name),
      );
      await new Promise<void>((resolve) => tls.listen(port, SERVICE, resolve));
      stack.defer(() => void tls.close());
    }
    const gatewayTopology = { numTrustedProxies: 1, proxyProtocol: {} };
    const proxies = {
      gate: { address: GATE, type: "router", files: folder },
      boundary: { address: BOUNDARY, type: "router", metadata: { PROXY_CONFIG: { gatewayTopology } } },
    } as const;
    stack.use(await startProxied({ net: NET, files: { "mesh.yaml": mesh(folder, pins) }, proxies }));
  });
  afterAll(() => stack.disposeAsync());

  /** What comes over TLS for a request, or why nothing does; and what was agreed on. */
  const speak = (name: keyof typeof AT, options: ConnectionOptions = {}, servername = `${name}.test`, text?: string) =>
    new Promise<{ readonly body: string; readonly protocol?: string | null; readonly cipher?: string }>((resolve) => {
      let body = "";
      const socket = connectTls({ host: GATE, port: AT[name], servername, ca, ...options, timeout: 5000 }, () => {
        agreed = { protocol: socket.getProtocol(), cipher: socket.getCipher().name };
        socket.write(text ?? `GET / HTTP/1.1\r\nhost: ${servername}\r\nconnection: close\r\n\r\n`);
      });
      let agreed = {};
      socket.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      socket.on("timeout", () => socket.destroy());
      socket.on("error", () => undefined).on("close", () => resolve({ body, ...agreed }));
    });
  const status = async (...args: Parameters<typeof speak>) =>
    /^HTTP\/1\.1 (\d+)/.exec((await speak(...args)).body)?.[1];
  const as = (name: string): ConnectionOptions => {
    const { certificateChain: cert = "", privateKey: key = "" } = clients[name] ?? {};
    return { cert, key };
  };

  it("shows its certificate, and answers no other name", async () => {
    expect(await status("simple")).toBe("200");
    expect((await speak("simple", {}, "else.test")).body).toBe("");
  });

  it.each([
    ["mutual", "200", "200", undefined, undefined],
    ["optional", "200", "200", undefined, "200"],
    ["named", "200", undefined, undefined, undefined],
    ["pinned", "200", undefined, undefined, undefined],
    ["hashed", "200", undefined, undefined, undefined],
  ] as const)("asks clients for theirs: %s", async (name, known, other, stranger, nobody) => {
    const answers = [
      await status(name, as("known")),
      await status(name, as("other")),
      await status(name, as("stranger")),
      await status(name),
    ];
    expect(answers).toEqual([known, other, stranger, nobody]);
  });

  it("agrees on the versions and ciphers that are allowed", async () => {
    expect((await speak("modern")).protocol).toBe("TLSv1.3");
    expect(await status("modern", { maxVersion: "TLSv1.2" })).toBeUndefined();
    expect(await speak("old")).toMatchObject({ protocol: "TLSv1.2", cipher: "ECDHE-ECDSA-AES256-GCM-SHA384" });
    expect(await status("old", { minVersion: "TLSv1.3" })).toBeUndefined();
    expect(await status("old", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" })).toBeUndefined();
  });

  it("passes TLS through by its name, ends it before TCP, and takes TCP as it is", async () => {
    expect((await speak("passthrough", {}, "one.test")).body).toBe("one");
    expect((await speak("passthrough", {}, "two.test")).body).toBe("two");
    expect((await speak("passthrough", {}, "three.test")).body).toBe("");
    expect((await speak("terminated", {}, "terminated.test", "hello")).body).toBe("shop: hello");
    const plain = (port: number) =>
      new Promise<string>((resolve) => {
        let text = "";
        const socket = connectTcp({ host: GATE, port }, () => void socket.write("hello"));
        socket.on("data", (chunk) => {
          text += chunk.toString();
        });
        socket.on("close", () => resolve(text));
      });
    expect([await plain(AT.tcp), await plain(AT.tunnelled)]).toEqual(["shop: hello", "far.example:7777: hello"]);
  });

  it("sends plaintext to HTTPS, and serves several Gateways on one port", async () => {
    const { status: code, headers } = await ask(`${GATE}:${AT.redirect}`, "simple.test", { path: "/a?b" });
    expect([code, headers.location]).toEqual([301, "https://simple.test/a?b"]);
    const merged = await Promise.all(
      ["first.test", "second.test", "third.test"].map(async (host) => (await ask(`${GATE}:${AT.merged}`, host)).status),
    );
    expect(merged).toEqual([200, 200, 404]);
  });

  it("believes the PROXY protocol and so many proxies before it", async () => {
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connectTcp({ host: BOUNDARY, port: 9460 }, () => {
        socket.write("PROXY TCP4 10.1.2.3 10.4.5.6 1111 2222\r\n");
        socket.write("GET / HTTP/1.1\r\nhost: a.test\r\nx-forwarded-for: 10.9.9.9\r\nconnection: close\r\n\r\n");
      });
      socket.on("data", (chunk) => {
        text += chunk.toString();
      });
      socket.on("close", () => resolve(text));
    });
    expect(answer).toContain('"x-forwarded-for":"10.9.9.9,10.1.2.3"');
    expect(answer).toContain('"x-envoy-external-address":"10.9.9.9"');
  });
});
