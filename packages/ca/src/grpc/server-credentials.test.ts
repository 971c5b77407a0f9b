import { connect, type SecureVersion } from "node:tls";
import { workloadSpiffeId } from "@fairlead/model";
import { Server } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Agent, createAgent } from "../agent/agent.ts";
import { inProcessClient } from "../agent/ca-client.ts";
import type { Authority } from "../authority/authority.ts";
import { selfSignedAuthority } from "../authority/self-signed.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { type ServerCredentialsOptions, serverCredentials } from "./server-credentials.ts";

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

describe("serverCredentials", () => {
  let authority: Authority;
  let agent: Agent;
  const servers: Server[] = [];

  beforeAll(async () => {
    authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
    const identity = workloadSpiffeId("cluster.local", "istio-system", "istiod");
    agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
    await agent.ready;
  });
  afterAll(async () => {
    for (const server of servers) server.forceShutdown();
    await agent.close();
    await authority.close();
  });

  const listen = (options: ServerCredentialsOptions = {}, source: Pick<Agent, "get" | "subscribe"> = agent) =>
    new Promise<number>((resolve, reject) => {
      const server = new Server();
      servers.push(server);
      server.bindAsync("127.0.0.1:0", serverCredentials(source, options), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });

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
