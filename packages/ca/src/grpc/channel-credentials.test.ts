import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { workloadSpiffeId } from "@fairlead/model";
import { Client } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { createAgent } from "../agent/agent.ts";
import { inProcessClient } from "../agent/ca-client.ts";
import { selfSignedAuthority } from "../authority/self-signed.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { channelCredentials } from "./channel-credentials.ts";

/** A server of the mesh on 127.0.0.1, with the certificate of `names`; connects and gives the server name it was told, or the client's failure. */
async function connected(
  names: { readonly dnsNames?: readonly string[]; readonly ipAddresses?: readonly string[] },
  host: string,
): Promise<string | undefined> {
  await using authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
  const identity = workloadSpiffeId("cluster.local", "default", "web");
  await using agent = createAgent({ identity, ca: inProcessClient(authority, identity, names) });
  await agent.ready;
  const [pair, roots] = [agent.get("default"), agent.get("ROOTCA")];
  if (pair?.kind !== "key-pair" || roots?.kind !== "trust-bundle") throw new Error("no certificate");
  const server = createSecureServer({
    ...{ cert: pair.certificateChain, key: pair.privateKey, ca: roots.roots },
    ...{ requestCert: true, rejectUnauthorized: true, allowHTTP1: false },
  });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => void server.close());
  let told: string | undefined;
  server.on("secureConnection", (socket: TLSSocket) => {
    told = socket.servername || undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `${host}:${(server.address() as AddressInfo).port}`;
  const client = new Client(address, channelCredentials(agent, address), { "grpc.use_local_subchannel_pool": 1 });
  stack.defer(() => client.close());
  const failure = await new Promise<Error | undefined>((resolve) => client.waitForReady(Date.now() + 1500, resolve));
  return failure ? undefined : told;
}

it("a server that is dialled by its address is checked against that, which is not sent as its name", async () => {
  expect(await connected({ ipAddresses: ["127.0.0.1"] }, "127.0.0.1")).toBe("address.invalid");
  expect(await connected({ dnsNames: ["localhost"] }, "localhost")).toBe("localhost");
});

it.each([
  ["another address", { ipAddresses: ["127.0.0.2"] }],
  ["the stand-in for a name", { dnsNames: ["address.invalid"] }],
])("a server whose certificate is of %s is refused", async (_, names) => {
  expect(await connected(names, "127.0.0.1")).toBeUndefined();
});
