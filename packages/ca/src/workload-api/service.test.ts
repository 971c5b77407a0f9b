import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { Reader, Writer } from "protobufjs/minimal.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identity } from "../../test/support/requests.ts";
import { type Agent, createAgent } from "../agent/agent.ts";
import { inProcessClient } from "../agent/ca-client.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "../authority/self-signed.ts";
import { CaError } from "../error.ts";
import { jwtAuthority } from "../jwt/jwt-authority.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { domainBundle } from "../trust/bundle.ts";
import { listenWorkloadApi, type WorkloadApiListener, type WorkloadApiListenOptions } from "./listen.ts";

const same = (bytes: Buffer) => bytes;
const trustDomain = "cluster.local";
let folder: string;
let authority: SelfSignedAuthority;
let agent: Agent;
let listener: WorkloadApiListener | undefined;
let client: Client;

async function listen(options: Partial<WorkloadApiListenOptions> = {}): Promise<void> {
  const address = `unix:${join(folder, "run", "api.sock")}`;
  listener = await listenWorkloadApi({ address, agent, ...options });
  client = new Client(address, credentials.createInsecure());
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-api-"));
  authority = await selfSignedAuthority({ trustDomain, keys: memoryKeyManager(), pollSeconds: 0 });
  agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
  await agent.ready;
});
afterEach(async () => {
  client?.close();
  await listener?.close();
  await agent.close();
  await authority.close();
  await rm(folder, { recursive: true });
});

const headers = (value: string | undefined = "true") => {
  const metadata = new Metadata();
  if (value !== "") metadata.set("workload.spiffe.io", value);
  return metadata;
};
const call = (name: string, request: Buffer, metadata = headers()) =>
  new Promise<Buffer>((resolve, reject) =>
    client.makeUnaryRequest(`/SpiffeWorkloadAPI/${name}`, same, same, request, metadata, (error, value) =>
      error || !value ? reject(error) : resolve(value),
    ),
  );
/** A stream's messages and how it ended. */
function open(name: string, metadata = headers()) {
  const messages: Buffer[] = [];
  const stream = client.makeServerStreamRequest(`/SpiffeWorkloadAPI/${name}`, same, same, Buffer.alloc(0), metadata);
  stream.on("data", (bytes: Buffer) => messages.push(bytes));
  const ended = new Promise<ServiceError>((resolve) => stream.on("error", resolve));
  return { messages, ended };
}
const jwtRequest = (audiences: readonly string[], id = "") => {
  const writer = Writer.create();
  for (const audience of audiences) writer.uint32(10).string(audience);
  return Buffer.from((id ? writer.uint32(18).string(id) : writer).finish());
};
const firstToken = (bytes: Buffer): string => {
  const reader = Reader.create(bytes);
  reader.uint32();
  const svid = Reader.create(reader.bytes());
  svid.uint32();
  expect(svid.string()).toBe(identity.uri);
  svid.uint32();
  return svid.string();
};

test("the socket is this user's alone and goes with the listener; a mode may open it", async () => {
  await listen();
  const path = (listener?.address ?? "").slice(5);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await listener?.close();
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
  await listen({ mode: 0o660 });
  expect((await stat(path)).mode & 0o777).toBe(0o660);
});

test("without the header nothing is answered", async () => {
  await listen();
  for (const value of ["", "false", "TRUE"]) {
    expect(await open("FetchX509SVID", headers(value)).ended).toMatchObject({ code: status.INVALID_ARGUMENT });
    await expect(call("ValidateJWTSVID", Buffer.alloc(0), headers(value))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  }
});

test("a stream sends once a change, and ends with UNAVAILABLE when the agent does", async () => {
  await listen();
  const stream = open("FetchX509SVID");
  await expect.poll(() => stream.messages.length).toBe(1);
  await agent.rotate();
  await expect.poll(() => stream.messages.length).toBe(2);
  await authority.prepare();
  await expect.poll(() => stream.messages.length).toBe(3);
  await listener?.close();
  expect((await stream.ended).code).toBe(status.UNAVAILABLE);
});

test("while there is no certificate clients are told to come again, not that they never get one", async () => {
  const waiting = createAgent({
    identity,
    ca: { sign: () => Promise.reject(new CaError("REQUEST_FAILED", "away")), close: async () => undefined },
  });
  await listen({ agent: waiting });
  for (const name of ["FetchX509SVID", "FetchX509Bundles", "FetchJWTBundles"])
    expect((await open(name).ended).code).toBe(status.UNAVAILABLE);
  await waiting.close();
});

test("JWT-SVIDs: of this workload only; not where nobody makes them", async () => {
  await listen();
  await expect(call("FetchJWTSVID", jwtRequest(["a"]))).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  client.close();
  await listener?.close();
  await using jwt = await jwtAuthority({ trustDomain, keys: memoryKeyManager(), pollSeconds: 0 });
  await listen({ jwt, bundle: domainBundle(authority, jwt) });
  const token = firstToken(await call("FetchJWTSVID", jwtRequest(["a"], identity.uri)));
  await expect(call("FetchJWTSVID", jwtRequest(["a"], `${identity.uri}x`))).rejects.toMatchObject({
    code: status.PERMISSION_DENIED,
  });
  for (const audiences of [[], [""]])
    await expect(call("FetchJWTSVID", jwtRequest(audiences))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  const validate = (audience: string, svid: string) => call("ValidateJWTSVID", jwtRequest([audience], svid));
  expect((await validate("a", token)).includes(identity.uri)).toBe(true);
  for (const [audience, svid] of [
    ["b", token],
    ["a", `${token}x`],
    ["a", "x"],
    ["", token],
  ] as const)
    await expect(validate(audience, svid)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  await expect(call("ValidateJWTSVID", Buffer.from([0xff]))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });

  const bundles = open("FetchJWTBundles");
  await expect.poll(() => bundles.messages.length).toBe(1);
  const next = await jwt.prepare();
  await expect.poll(() => bundles.messages.at(-1)?.includes(next.id)).toBe(true);
});
