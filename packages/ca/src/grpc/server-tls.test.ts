import { connect, type SecureVersion } from "node:tls";
import { fixedTls, listenGrpc, type Peer } from "@fairlead/grpc";
import { grpcJsCredentials } from "@fairlead/grpc/grpc-js";
import { workloadSpiffeId } from "@fairlead/model";
import { Client, credentials, Server } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Agent, createAgent } from "../agent/agent.ts";
import { inProcessClient } from "../agent/ca-client.ts";
import type { Authority } from "../authority/authority.ts";
import { selfSignedAuthority } from "../authority/self-signed.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { type ServerTlsOptions, serverTls } from "./server-tls.ts";

/** What came of a handshake: the server certificate's serial number, or the error. */
function dial(port: number, version: SecureVersion): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(
      {
        port,
        host: "127.0.0.1",
        rejectUnauthorized: false,
        ALPNProtocols: ["h2"],
        minVersion: "TLSv1.2",
        maxVersion: version,
      },
      () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      },
    );
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe.each(["the server of @fairlead/grpc", "a grpc-js server"])("serverTls with %s", (kind) => {
  let authority: Authority;
  let agent: Agent;
  const close: (() => unknown)[] = [];

  beforeAll(async () => {
    authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    const identity = workloadSpiffeId("cluster.local", "istio-system", "istiod");
    agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
    await agent.ready;
  });
  afterAll(async () => {
    for (const one of close) await one();
    await agent.close();
    await authority.close();
  });

  const listen = async (
    options: ServerTlsOptions = {},
    source: Pick<Agent, "get" | "subscribe"> = agent,
  ): Promise<number> => {
    const tls = serverTls(source, options);
    if (kind === "a grpc-js server") {
      const server = new Server();
      close.push(() => server.forceShutdown());
      return new Promise((resolve, reject) =>
        server.bindAsync("127.0.0.1:0", grpcJsCredentials(tls), (error, port) =>
          error ? reject(error) : resolve(port),
        ),
      );
    }
    const server = await listenGrpc({ address: "127.0.0.1:0", methods: [], tls });
    close.push(() => server.close(0));
    return server.port;
  };

  it("takes TLS 1.3 only, before and after the certificate has changed", async () => {
    const port = await listen();
    const first = await dial(port, "TLSv1.3");
    expect(first).toMatch(/^[0-9A-F]{10,}$/);
    expect(await dial(port, "TLSv1.2")).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
    await agent.rotate();
    const second = await dial(port, "TLSv1.3");
    expect(second).toMatch(/^[0-9A-F]{10,}$/);
    expect(second).not.toBe(first);
    expect(await dial(port, "TLSv1.2")).toBe("ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION");
  });

  it("takes TLS 1.2 when told to", async () => {
    expect(await dial(await listen({ minTlsVersion: "TLSv1.2", clients: "asked" }), "TLSv1.2")).toMatch(
      /^[0-9A-F]{10,}$/,
    );
  });

  it("drops connections while there is no certificate", async () => {
    let there = false;
    let tell: (name: string) => void = () => undefined;
    const port = await listen(
      {},
      {
        get: (name) => (there ? agent.get(name) : undefined),
        subscribe(listener) {
          tell = listener;
          return () => undefined;
        },
      },
    );
    expect(await dial(port, "TLSv1.3")).toBe("ECONNRESET");
    there = true;
    tell("default");
    expect(await dial(port, "TLSv1.3")).toMatch(/^[0-9A-F]{10,}$/);
  });
});

it("keeps the last certificate in force when the next does not work, and says so", async () => {
  const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
  const identity = workloadSpiffeId("cluster.local", "istio-system", "istiod");
  const agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
  await agent.ready;
  const good = serverTls(agent, { clients: "asked" });
  let works = true;
  let tell = () => {};
  const problems: unknown[] = [];
  const server = await listenGrpc({
    address: "127.0.0.1:0",
    methods: [],
    tls: {
      ...good,
      get: () => {
        const material = good.get();
        return works || !material ? material : { ...material, key: "no key" };
      },
      subscribe(changed) {
        tell = changed;
        return () => undefined;
      },
    },
    onError: (error) => problems.push(error),
  });
  const first = await dial(server.port, "TLSv1.3");
  works = false;
  tell();
  expect(problems).toHaveLength(1);
  expect(await dial(server.port, "TLSv1.3")).toBe(first);
  works = true;
  await agent.rotate();
  tell();
  expect(await dial(server.port, "TLSv1.3")).not.toBe(first);
  expect(problems).toHaveLength(1);
  await server.close();
  await agent.close();
  await authority.close();
});

describe("fixedTls", () => {
  it("knows a client by its certificate, and turns those away that have none", async () => {
    const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    const identity = workloadSpiffeId("cluster.local", "default", "web");
    const agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
    await agent.ready;
    const pair = agent.get("default");
    if (pair?.kind !== "key-pair") throw new Error("there is no certificate");
    const roots = authority.trustBundle.x509Authorities.join("");
    const peers: Peer[] = [];
    const server = await listenGrpc({
      address: "127.0.0.1:0",
      methods: [
        {
          kind: "unary",
          path: "/t.T/Who",
          answer(request, { peer }) {
            peers.push(peer);
            return request;
          },
        },
      ],
      tls: fixedTls({ certificate: pair.certificateChain, key: pair.privateKey, clientAuthorities: roots }),
    });
    const ask = (...client: Buffer[]) =>
      new Promise<string>((resolve) => {
        const checks = { checkServerIdentity: () => undefined };
        const [key = null, certificate = null] = client;
        const made = credentials.createSsl(Buffer.from(roots), key, certificate, checks);
        const channel = new Client(server.address, made, { "grpc.ssl_target_name_override": "web" });
        const same = (bytes: Buffer) => bytes;
        const deadline = Date.now() + 5_000;
        channel.makeUnaryRequest("/t.T/Who", same, same, Buffer.from("x"), { deadline }, (error, value) => {
          channel.close();
          resolve(error ? `status ${error.code}` : String(value));
        });
      });
    expect(await ask(Buffer.from(pair.privateKey), Buffer.from(pair.certificateChain))).toBe("x");
    expect(peers).toMatchObject([{ transport: "tls", certificate: { subjectAltName: `URI:${identity.uri}` } }]);
    expect(await ask()).toBe("status 14");
    expect(peers).toHaveLength(1);
    await server.close();
    await agent.close();
    await authority.close();
  });
});
