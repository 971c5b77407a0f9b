// Rotation, failures, roots and the way over gRPC, each a few rows: longer than a concept, because it is a table.
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workloadSpiffeId } from "@fairlead/model";
import { afterEach, describe, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { csrPem, identity } from "../../test/support/requests.ts";
import { type SelfSignedAuthority, type SelfSignedOptions, selfSignedAuthority } from "../authority/self-signed.ts";
import { inspectCertificate } from "../certificate/inspect.ts";
import { CaError } from "../error.ts";
import { grpcCaClient } from "../grpc/client.ts";
import { clientCertificate } from "../grpc/client-certificate.ts";
import { joinTokens } from "../grpc/join-token.ts";
import { listenCertificateService } from "../grpc/listen.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { type Agent, type AgentEvent, type AgentOptions, createAgent } from "./agent.ts";
import { type CaClient, inProcessClient, type SigningRequest } from "./ca-client.ts";

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close();
});
const keep = <T extends { close(): Promise<void> }>(one: T): T => {
  closing.push(one);
  return one;
};
const authorityOf = async (options: Partial<SelfSignedOptions> = {}) =>
  keep(
    await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager(), pollSeconds: 0, ...options }),
  );
const pairOf = (agent: Agent) => {
  const secret = agent.get("default");
  return secret?.kind === "key-pair" ? secret : undefined;
};
const rootsOf = (agent: Agent) => {
  const secret = agent.get("ROOTCA");
  return secret?.kind === "trust-bundle" ? secret.roots : "";
};
const HOUR = 3_600_000;

/** A way to an authority that can be made to fail and counts. */
function flaky(authority: SelfSignedAuthority): CaClient & { calls: number; failure: unknown } {
  const inner = inProcessClient(authority, identity);
  const client = {
    ...inner,
    calls: 0,
    failure: undefined as unknown,
    async sign(request: Parameters<CaClient["sign"]>[0]) {
      client.calls++;
      if (client.failure !== undefined) throw client.failure;
      return inner.sign(request);
    },
  };
  return client;
}

async function agentOf(options: Partial<AgentOptions> & { readonly authority?: SelfSignedAuthority } = {}) {
  const clock = fakeClock();
  const events: AgentEvent[] = [];
  const authority = options.authority ?? (await authorityOf({ clock }));
  const ca = flaky(authority);
  const agent = keep(
    createAgent({ identity, ca, clock, random: () => 0.5, onEvent: (event) => events.push(event), ...options }),
  );
  return { clock, events, authority, ca, agent };
}

test("has a certificate and the roots, and says so", async () => {
  const { agent, authority } = await agentOf();
  const told: string[] = [];
  agent.subscribe((name) => told.push(name));
  expect(agent.get("default")).toBeUndefined();
  await agent.ready;
  expect(told).toEqual(["ROOTCA", "default"]);
  expect(inspectCertificate(pairOf(agent)?.certificateChain ?? "")[0]?.spiffeId).toBe(identity.uri);
  expect(rootsOf(agent)).toBe(authority.trustBundle.x509Authorities.join(""));
  expect(agent.get("other")).toBeUndefined();
});

describe("rotation", () => {
  test("at half life, with a new key", async () => {
    const { agent, clock, ca } = await agentOf();
    await agent.ready;
    const first = pairOf(agent);
    await clock.advance(12 * HOUR - 60_000);
    expect(ca.calls).toBe(1);
    await clock.advance(120_000);
    expect(ca.calls).toBe(2);
    expect(pairOf(agent)?.privateKey).not.toBe(first?.privateKey);
  });

  test.each([
    [0, 0.4],
    [0.999, 0.6],
  ])("random %d: after %d of the life", async (random, part) => {
    const { agent, events } = await agentOf({ random: () => random });
    await agent.ready;
    const [issued] = events;
    expect(issued?.type === "issued" && issued.renewInMs / (24 * HOUR)).toBeCloseTo(part, 2);
  });

  test("calls at once share one request", async () => {
    const { agent, ca } = await agentOf();
    await agent.ready;
    await Promise.all(Array.from({ length: 50 }, () => agent.rotate()));
    expect(ca.calls).toBe(2);
  });

  test("lives of a minute and of ten years", async () => {
    const short = await agentOf({ ttlSeconds: 60 });
    await short.agent.ready;
    await short.clock.advance(10 * 60_000);
    expect(short.ca.calls).toBeGreaterThanOrEqual(20);
    expect(short.events.some(({ type }) => type === "expired")).toBe(false);
    const clock = fakeClock();
    const authority = await authorityOf({
      clock,
      rootTtlSeconds: 20 * 365 * 86_400,
      ttl: { maxSeconds: 11 * 365 * 86_400 },
    });
    const long = await agentOf({ authority, clock, ttlSeconds: 10 * 365 * 86_400 });
    await long.agent.ready;
    await clock.advance(86_400_000); // its renewal is further away than a timer can hold
    expect(long.ca.calls).toBe(1);
    expect(clock.delays.every((delay) => delay <= 30_000)).toBe(true);
  });

  test("row 54: a clock that jumps a year ahead or an hour back", async () => {
    const { agent, clock, ca } = await agentOf();
    await agent.ready;
    clock.jump(365 * 24 * HOUR);
    await clock.advance(61_000);
    expect(ca.calls).toBe(2);
    expect(agent.notAfter?.getTime()).toBeGreaterThan(clock.now());
    clock.jump(-HOUR);
    await clock.advance(12 * HOUR);
    expect(ca.calls).toBe(3);
  });
});

describe("failures", () => {
  test("the old certificate stays in use until it ends; waits grow; then all is well", async () => {
    const { agent, clock, ca, events } = await agentOf();
    await agent.ready;
    const first = pairOf(agent);
    ca.failure = new Error("connect ECONNREFUSED");
    await clock.advance(23 * HOUR);
    expect(pairOf(agent)).toBe(first);
    expect(ca.calls).toBeLessThan(1100);
    const waits = events.flatMap((event) => (event.type === "failed" ? [event.retryInMs] : []));
    expect(waits.slice(0, 4)).toEqual([750, 1500, 3000, 6000]);
    expect(Math.max(...waits)).toBe(45_000);
    await clock.advance(2 * HOUR);
    expect(pairOf(agent)).toBeUndefined();
    expect(events.filter(({ type }) => type === "expired")).toHaveLength(1);
    ca.failure = undefined;
    await clock.advance(60_000);
    expect(pairOf(agent)).toBeDefined();
  }, 30_000);

  test("a rate limit's hint is kept to", async () => {
    const { agent, clock, ca, events } = await agentOf();
    await agent.ready;
    ca.failure = new CaError("RATE_LIMITED", "slow down", { retryAfterMs: 100_000 });
    await expect(agent.rotate()).rejects.toMatchObject({ code: "RATE_LIMITED" });
    expect(events.at(-1)).toMatchObject({ type: "failed", retryInMs: 100_000 });
    ca.failure = undefined;
    await clock.advance(101_000);
    expect(ca.calls).toBe(3);
  });

  test("an answer that is not ours is not used", async () => {
    const { agent, authority, ca, events, clock } = await agentOf();
    await agent.ready;
    const first = pairOf(agent);
    const stranger = await authorityOf({ clock: fakeClock() });
    const right = ca.sign;
    const other = workloadSpiffeId("cluster.local", "x", "y");
    for (const wrong of [
      async ({ csr }: SigningRequest) => {
        const lax = await authorityOf({ clock, csr: { requests: "ignore" } });
        return lax.issue({ csr, identity: other });
      },
      async () => authority.issue({ csr: csrPem(), identity }),
      async ({ csr }: SigningRequest) => {
        const { certificateChain } = await authority.issue({ csr, identity });
        return { certificateChain, roots: stranger.trustBundle.x509Authorities };
      },
      async () => ({ certificateChain: ["garbage"], roots: ["garbage"] }),
    ]) {
      ca.sign = wrong;
      await expect(agent.rotate()).rejects.toBeInstanceOf(CaError);
      expect(pairOf(agent)).toBe(first);
    }
    ca.sign = right;
    await agent.rotate();
    expect(events.filter(({ type }) => type === "failed")).toHaveLength(4);
  });

  test("closing ends the timers, the wait for the first certificate, and later calls", async () => {
    const down = { sign: () => Promise.reject(new Error("down")), close: async () => undefined };
    const { agent, clock } = await agentOf({ ca: down });
    await clock.advance(10);
    expect(clock.pending).toBe(1);
    const ready = agent.ready;
    await agent.close();
    await expect(ready).rejects.toMatchObject({ code: "CA_CLOSED" });
    await expect(agent.rotate()).rejects.toMatchObject({ code: "CA_CLOSED" });
    expect(clock.pending).toBe(0);
  });
});

describe("roots", () => {
  test("a new root reaches the workload before anything is signed with it", async () => {
    const { agent, authority, ca } = await agentOf();
    await agent.ready;
    const next = await authority.prepare();
    expect(inspectCertificate(rootsOf(agent))).toHaveLength(2);
    expect(ca.calls).toBe(1);
    await authority.activate(next.id);
    await agent.rotate();
    expect(inspectCertificate(pairOf(agent)?.certificateChain ?? "")[0]?.authorityKeyId).toBe(next.id);
  });

  test("a new signer renews the certificate at once, where the agent can know", async () => {
    const { agent, authority, clock, ca } = await agentOf();
    await agent.ready;
    const { id } = await authority.prepare();
    await authority.activate(id);
    await clock.advance(1);
    expect(ca.calls).toBe(2);
    expect(inspectCertificate(pairOf(agent)?.certificateChain ?? "")[0]?.authorityKeyId).toBe(id);
  });

  test("those of a mesh configuration come along, each once", async () => {
    const other = await authorityOf();
    const { agent, authority } = await agentOf();
    await agent.ready;
    agent.setExtraRoots([...other.trustBundle.x509Authorities, ...authority.trustBundle.x509Authorities]);
    expect(inspectCertificate(rootsOf(agent))).toHaveLength(2);
    expect(() => agent.setExtraRoots(["garbage"])).toThrow("BUNDLE_INVALID");
    agent.setExtraRoots([]);
    expect(inspectCertificate(rootsOf(agent))).toHaveLength(1);
  });
});

test("files are written, private, and again after each rotation", async () => {
  const directory = await mkdtemp(join(tmpdir(), "fairlead-agent-"));
  try {
    const { agent } = await agentOf();
    await agent.writeFiles(join(directory, "certs"));
    const read = (name: string) => readFile(join(directory, "certs", name), "utf8");
    expect(await read("key.pem")).toBe(pairOf(agent)?.privateKey);
    expect((await stat(join(directory, "certs", "key.pem"))).mode & 0o777).toBe(0o600);
    expect(await read("root-cert.pem")).toBe(rootsOf(agent));
    await agent.rotate();
    await expect.poll(() => read("cert-chain.pem")).toBe(pairOf(agent)?.certificateChain);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("over gRPC: joins by a one-time token, renews by its certificate, follows a new root", async () => {
  const authority = await authorityOf();
  const tokens = joinTokens();
  const server = keep(
    await listenCertificateService({
      authority,
      authenticators: [clientCertificate({ authority }), tokens],
      address: "127.0.0.1:0",
    }),
  );
  const roots = authority.trustBundle.x509Authorities.join("");
  const istiod = {
    ...identity,
    uri: "spiffe://cluster.local/ns/istio-system/sa/istiod",
    path: "/ns/istio-system/sa/istiod",
  };
  const ca = grpcCaClient({ address: server.address, roots, server: istiod, token: tokens.add({ identity }) });
  const agent = keep(createAgent({ identity, ca }));
  await agent.ready;
  expect(tokens.size).toBe(0);
  const first = pairOf(agent);
  await agent.rotate();
  expect(pairOf(agent)?.privateKey).not.toBe(first?.privateKey);

  // The root changes: it learns the new one with a renewal, before the server itself is certified by it.
  const old = authority.slots[0]?.id ?? "";
  const { id } = await authority.prepare();
  await agent.rotate();
  await authority.activate(id);
  await agent.rotate();
  expect(inspectCertificate(rootsOf(agent))).toHaveLength(2);
  expect(inspectCertificate(pairOf(agent)?.certificateChain ?? "")[0]?.authorityKeyId).not.toBe(old);
});

test("over gRPC: a server that is somebody else, or whose root is not pinned, is not told anything", async () => {
  const authority = await authorityOf();
  const tokens = joinTokens();
  const server = keep(await listenCertificateService({ authority, authenticators: [tokens], address: "127.0.0.1:0" }));
  const token = tokens.add({ identity });
  const roots = authority.trustBundle.x509Authorities.join("");
  const stranger = (await authorityOf()).trustBundle.x509Authorities.join("");
  const request = {
    csr: "x",
    ttlSeconds: undefined,
    current: undefined,
    roots: undefined,
    signal: new AbortController().signal,
  };
  for (const options of [{ roots: stranger }, { roots, server: identity }]) {
    const client = grpcCaClient({ address: server.address, token, timeoutMs: 1500, ...options });
    await expect(client.sign(request)).rejects.toMatchObject({ code: "REQUEST_FAILED" });
  }
  expect(tokens.size).toBe(1);
});
