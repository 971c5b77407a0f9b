import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import { decode, encode } from "@fairlead/xds/proto";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { identity } from "../../test/support/requests.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "../authority/self-signed.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { type Agent, createAgent } from "./agent.ts";
import { inProcessClient } from "./ca-client.ts";

const TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
const SERVICE = "/envoy.service.secret.v3.SecretDiscoveryService";
const same = (bytes: Buffer) => bytes;
let folder: string;
let authority: SelfSignedAuthority;
let agent: Agent;
let address: string;
const clients: Client[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-sds-"));
  authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager(), pollSeconds: 0 });
  agent = createAgent({ identity, ca: inProcessClient(authority, identity) });
  address = `unix:${join(folder, "run", "sds.sock")}`;
  await agent.listen(address);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await agent.close();
  await authority.close();
  await rm(folder, { recursive: true });
});

interface Secret {
  readonly name: string;
  readonly tlsCertificate?: { readonly certificateChain: { readonly inlineBytes: string } };
  readonly validationContext?: { readonly trustedCa: { readonly inlineBytes: string } };
}
interface Response {
  readonly versionInfo?: string;
  readonly nonce?: string;
  readonly resources?: readonly (Secret & { readonly name: string; readonly resource?: Secret })[];
  readonly removedResources?: readonly string[];
}

const clientOf = () => {
  const client = new Client(address, credentials.createInsecure());
  clients.push(client);
  return client;
};

/** A stream that remembers its answers. */
function open(method: "StreamSecrets" | "DeltaSecrets") {
  const kind = method === "StreamSecrets" ? "Discovery" : "DeltaDiscovery";
  const stream = clientOf().makeBidiStreamRequest(`${SERVICE}/${method}`, same, same);
  const responses: Response[] = [];
  stream.on("data", (bytes: Buffer) =>
    responses.push(decode(`envoy.service.discovery.v3.${kind}Response`, bytes) as unknown as Response),
  );
  stream.on("error", () => undefined);
  return {
    responses,
    send: (request: object) =>
      stream.write(
        Buffer.from(
          encode(`envoy.service.discovery.v3.${kind}Request`, {
            typeUrl: TYPE,
            node: { id: "sidecar~1.2.3.4~a.b~c" },
            ...request,
          }),
        ),
      ),
    end: () => stream.cancel(),
  };
}

const chain = (secret: Secret | undefined) =>
  Buffer.from(secret?.tlsCertificate?.certificateChain.inlineBytes ?? "", "base64").toString();
const present = () => {
  const secret = agent.get("default");
  return secret?.kind === "key-pair" ? secret.certificateChain : "";
};

test("the socket is this user's alone and goes with the agent", async () => {
  const path = address.slice(5);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await agent.close();
  await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
});

test("state of the world: both secrets, pushed again when they change, nothing for other names", async () => {
  const stream = open("StreamSecrets");
  stream.send({ resourceNames: ["default", "ROOTCA", "file-cert:../../etc/shadow~x"] });
  await expect
    .poll(() => stream.responses.flatMap(({ resources }) => (resources ?? []).map(({ name }) => name)).sort())
    .toEqual(["ROOTCA", "default"]);
  const seen = () =>
    stream.responses.flatMap(({ resources }) => resources ?? []).filter(({ name }) => name === "default");
  expect(chain(seen().at(-1))).toBe(present());
  const last = stream.responses.at(-1);
  stream.send({ resourceNames: ["default", "ROOTCA"], versionInfo: last?.versionInfo, responseNonce: last?.nonce });
  await agent.rotate();
  await expect.poll(() => chain(seen().at(-1))).toBe(present());
});

test.skipIf(getCACertificates("system").length === 0)("what the host trusts, under Istio's name for it", async () => {
  const stream = open("StreamSecrets");
  stream.send({ resourceNames: ["file-root:system"] });
  const answered = () => stream.responses.flatMap(({ resources }) => resources ?? []);
  await expect.poll(() => answered().map(({ name }) => name)).toEqual(["file-root:system"]);
  const text = Buffer.from(answered()[0]?.validationContext?.trustedCa.inlineBytes ?? "", "base64").toString();
  const [first = ""] = getCACertificates("system");
  expect(text).toContain(first.trim());
});

test("delta: only what changed, an unknown name is answered", async () => {
  const stream = open("DeltaSecrets");
  stream.send({ resourceNamesSubscribe: ["default", "ROOTCA", "nobody"] });
  await expect
    .poll(() => stream.responses.flatMap(({ resources }) => (resources ?? []).map(({ name }) => name)).sort())
    .toEqual(["ROOTCA", "default"]);
  await expect
    .poll(() => stream.responses.flatMap(({ removedResources }) => removedResources ?? []))
    .toContain("nobody");
  for (const { nonce } of stream.responses) stream.send({ responseNonce: nonce });
  const before = stream.responses.length;
  await agent.rotate();
  await expect
    .poll(() => stream.responses.slice(before).flatMap(({ resources }) => (resources ?? []).map(({ name }) => name)))
    .toEqual(["default"]);
});

test("fetch: what there is, and never a secret of another name", async () => {
  await agent.ready;
  const fetch = (names: readonly string[]) =>
    new Promise<{ code: number; names: string[] }>((resolve) => {
      const request = Buffer.from(
        encode("envoy.service.discovery.v3.DiscoveryRequest", {
          typeUrl: TYPE,
          node: { id: "n" },
          resourceNames: [...names],
        }),
      );
      clientOf().makeUnaryRequest(
        `${SERVICE}/FetchSecrets`,
        same,
        same,
        request,
        { deadline: Date.now() + 1000 },
        (error: ServiceError | null, value) => {
          const response = value
            ? (decode("envoy.service.discovery.v3.DiscoveryResponse", value) as unknown as Response)
            : {};
          resolve({ code: error?.code ?? 0, names: (response.resources ?? []).map(({ name }) => name) });
        },
      );
    });
  expect(await fetch(["default"])).toEqual({ code: 0, names: ["default"] });
  expect(await fetch(["nobody"])).toEqual({ code: status.NOT_FOUND, names: [] });
});

test("row 55: 10,000 names, garbage and re-subscription do no harm", async () => {
  const many = open("DeltaSecrets");
  many.send({ resourceNamesSubscribe: Array.from({ length: 10_000 }, (_, at) => `name-${at}`) });
  await expect.poll(() => many.responses.length).toBeGreaterThan(0);
  expect(many.responses.flatMap(({ resources }) => resources ?? [])).toEqual([]);
  many.end();
  for (let round = 0; round < 3; round++) {
    const again = open("StreamSecrets");
    again.send({ resourceNames: ["default"] });
    await expect.poll(() => again.responses.length).toBe(1);
    again.send({
      resourceNames: ["default"],
      responseNonce: "stale",
      versionInfo: "x",
      errorDetail: { code: 3, message: "no" },
    });
    again.end();
  }
});

describe("an address that cannot be served", () => {
  test("another process's, a file, no Unix socket, too long", async () => {
    const other = createAgent({ identity, ca: inProcessClient(authority, identity) });
    try {
      await expect(other.listen(address)).rejects.toMatchObject({ code: "OPTION_INVALID" });
      await writeFile(join(folder, "file"), "");
      for (const wrong of [`unix:${join(folder, "file")}`, "127.0.0.1:0", `unix:${folder}/${"x".repeat(120)}/s`])
        await expect(other.listen(wrong)).rejects.toMatchObject({ code: "OPTION_INVALID" });
    } finally {
      await other.close();
    }
  });
  test("a stale socket is replaced", async () => {
    const path = join(folder, "stale.sock");
    const { execFileSync } = await import("node:child_process");
    const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    expect(() => execFileSync(process.execPath, ["-e", script])).toThrow();
    expect((await stat(path)).isSocket()).toBe(true);
    const other = createAgent({ identity, ca: inProcessClient(authority, identity) });
    await other.listen(`unix:${path}`);
    await other.close();
  });
});

test("a server that stays on the path is not disturbed by a probe", async () => {
  const path = join(folder, "plain.sock");
  const plain = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => plain.listen(path, resolve));
  await expect(agent.listen(`unix:${path}`)).rejects.toMatchObject({ code: "OPTION_INVALID" });
  expect((await stat(path)).isSocket()).toBe(true);
  await new Promise((resolve) => plain.close(resolve));
});
