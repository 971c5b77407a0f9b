import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workloadSpiffeId } from "@fairlead/model";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { csrPem, identity } from "../../test/support/requests.ts";
import { type Agent, createAgent } from "../agent/agent.ts";
import { inProcessClient } from "../agent/ca-client.ts";
import { fileKeyManager } from "../keys/file.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { verifyX509Svid } from "../trust/svid.ts";
import { planRootRotation, type RotationStep, rotateRoot } from "./root-rotation.ts";
import { type SelfSignedAuthority, selfSignedAuthority } from "./self-signed.ts";

const HOUR = 3_600_000;
const closing: { close(): Promise<void> }[] = [];
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "fairlead-rotation-"));
});
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close();
  await rm(directory, { recursive: true });
});
const keep = <T extends { close(): Promise<void> }>(one: T): T => {
  closing.push(one);
  return one;
};
const nothing = async () => undefined;
const statuses = ({ slots }: SelfSignedAuthority) => slots.map(({ status }) => status).join();

/** Whether each agent's certificate is trusted by every other agent's roots. */
function mustTrustEachOther(agents: readonly Agent[], at: number): void {
  for (const one of agents)
    for (const other of agents) {
      const [pair, roots] = [one.get("default"), other.get("ROOTCA")];
      if (pair?.kind !== "key-pair" || roots?.kind !== "trust-bundle") throw new Error("an agent has no secret");
      const bundle = {
        trustDomain: identity.trustDomain,
        x509Authorities: [roots.roots],
        sequence: 0,
        refreshHintSeconds: 0,
      };
      expect(verifyX509Svid(pair.certificateChain, { at, bundle: () => bundle }).id.uri).toBe(one.identity.uri);
    }
}

test("workloads trust each other at every moment of a rotation, and end on the new root", async () => {
  const clock = fakeClock();
  const keys = memoryKeyManager();
  const authority = keep(
    await selfSignedAuthority({
      trustDomain: "cluster.local",
      keys,
      clock,
      pollSeconds: 0,
      ttl: { maxSeconds: 86_400 },
    }),
  );
  const agents = await Promise.all(
    Array.from({ length: 6 }, async (_, at) => {
      const id = workloadSpiffeId("cluster.local", "default", `w${at}`);
      const agent = keep(
        createAgent({ identity: id, ca: inProcessClient(authority, id), clock, random: () => at / 6 }),
      );
      await agent.ready;
      return agent;
    }),
  );
  const [before] = authority.slots;
  const done: RotationStep[] = [];
  let finished = false;
  const rotation = rotateRoot(authority, {
    clock,
    distributed: async (bundle) => {
      for (const agent of agents) {
        const roots = agent.get("ROOTCA");
        for (const pem of bundle.x509Authorities)
          expect(roots?.kind === "trust-bundle" && roots.roots.includes(pem)).toBe(true);
      }
    },
    onStep: ({ step }) => {
      done.push(step);
      mustTrustEachOther(agents, clock.now());
    },
  }).then(() => {
    finished = true;
  });
  for (let hour = 0; hour < 30 && !finished; hour++) {
    await clock.advance(HOUR);
    mustTrustEachOther(agents, clock.now());
  }
  await rotation;
  expect(done).toEqual(["prepare", "distribute", "activate", "drain", "retire"]);
  expect(authority.slots.map(({ id }) => id)).not.toContain(before?.id);
  expect(await keys.listKeys()).toHaveLength(1);
  mustTrustEachOther(agents, clock.now());
  for (const agent of agents) {
    const roots = agent.get("ROOTCA");
    expect(roots?.kind === "trust-bundle" && roots.roots).toBe(authority.trustBundle.x509Authorities.join(""));
  }
});

test("where renewals are known of, the drain ends with them", async () => {
  const authority = keep(
    await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager(), pollSeconds: 0 }),
  );
  const steps: RotationStep[] = [];
  await rotateRoot(authority, {
    distributed: nothing,
    renewed: async (old) => expect(old).toMatchObject([{ status: "old", tainted: true }]),
    onStep: ({ step }) => steps.push(step),
  });
  expect(steps).toEqual(["prepare", "distribute", "activate", "renew", "drain", "retire"]);
  expect(statuses(authority)).toBe("active");
});

describe("resumed after a crash", () => {
  const open = async () =>
    keep(await selfSignedAuthority({ trustDomain: "cluster.local", keys: fileKeyManager(directory), pollSeconds: 0 }));
  test.each<[RotationStep, string, readonly RotationStep[]]>([
    ["prepare", "active,prepared", ["distribute", "activate", "drain", "retire"]],
    ["distribute", "active,prepared", ["distribute", "activate", "drain", "retire"]],
    ["activate", "old,active", ["drain", "retire"]],
    ["renew", "old,active", ["drain", "retire"]],
    ["drain", "old,active", ["drain", "retire"]],
    ["retire", "active", ["prepare", "distribute", "activate", "drain", "retire"]],
  ])("right after %s", async (last, left, plan) => {
    const first = await open();
    const crash = {
      distributed: nothing,
      renewed: nothing,
      onStep: ({ step }: { step: RotationStep }) => {
        if (step === last) throw new Error("crash");
      },
    };
    await expect(rotateRoot(first, crash)).rejects.toThrow("crash");
    await first.close();
    const second = await open();
    expect(statuses(second)).toBe(left);
    expect(planRootRotation(second).map(({ step }) => step)).toEqual(plan);
    if (last !== "retire") await rotateRoot(second, { distributed: nothing, renewed: nothing });
    expect(statuses(second)).toBe("active");
    expect(await fileKeyManager(directory).listKeys()).toHaveLength(1);
    expect((await second.issue({ csr: csrPem(), identity })).authorityId).toBe(second.slots[0]?.id);
  });

  test("two replicas that rotate at once make one rotation", async () => {
    const [one, two] = [await open(), await open()];
    const before = one.slots[0]?.id;
    await Promise.all([one, two].map((authority) => rotateRoot(authority, { distributed: nothing, renewed: nothing })));
    await Promise.all([one.refresh(), two.refresh()]);
    expect(statuses(one)).toBe("active");
    expect(two.slots).toEqual(one.slots);
    expect(one.slots[0]?.id).not.toBe(before);
  });

  test("kill -9 at any moment leaves a directory that starts and can rotate", async () => {
    const index = join(import.meta.dirname, "../index.ts");
    const program = `import { selfSignedAuthority, fileKeyManager, rotateRoot } from ${JSON.stringify(index)};
      const authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: fileKeyManager(${JSON.stringify(directory)}) });
      process.stdout.write("go");
      for (;;) await rotateRoot(authority, { distributed: async () => {}, renewed: async () => {} });`;
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      const exited = new Promise((resolve) => child.on("exit", resolve));
      await new Promise((resolve) => child.stdout.once("data", resolve));
      await new Promise((resolve) => setTimeout(resolve, 7 * round + Math.random() * 20));
      child.kill("SIGKILL");
      await exited;
      const authority = await open();
      expect(authority.slots.filter(({ status }) => status === "active")).toHaveLength(1);
      expect((await authority.issue({ csr: csrPem(), identity })).certificateChain).toHaveLength(1);
      await rotateRoot(authority, { distributed: nothing, renewed: nothing });
      expect((await fileKeyManager(directory).listKeys()).length).toBeLessThanOrEqual(2);
      await authority.close();
    }
  }, 60_000);
});

const STEPS = ["prepare", "distribute", "activate", "drain"] as const satisfies readonly RotationStep[];

test.each(STEPS.flatMap((step) => [365 * 24 * HOUR, -HOUR].map((jump) => [step, jump / HOUR, jump] as const)))(
  "right after %s the clock jumps by %i hours: one root signs at any time, and the rotation ends",
  async (at, _, jump) => {
    const clock = fakeClock();
    const authority = keep(
      await selfSignedAuthority({
        trustDomain: "cluster.local",
        keys: memoryKeyManager(),
        clock,
        pollSeconds: 0,
        ttl: { maxSeconds: 86_400 },
      }),
    );
    const before = authority.authorityId;
    const active = () => authority.slots.filter(({ status }) => status === "active");
    let finished = false;
    const rotation = rotateRoot(authority, {
      clock,
      distributed: nothing,
      onStep({ step }) {
        if (step === at) clock.jump(jump);
        expect(active()).toHaveLength(1);
      },
    }).then(() => {
      finished = true;
    });
    for (let hour = 0; hour < 50 && !finished; hour++) await clock.advance(HOUR);
    await rotation;
    expect(statuses(authority)).toBe("active");
    expect(authority.authorityId).not.toBe(before);
    const { certificateChain } = await authority.issue({ csr: csrPem(), identity });
    const bundle = authority.trustBundle;
    expect(verifyX509Svid(certificateChain.join(""), { at: clock.now(), bundle: () => bundle }).id.uri).toBe(
      identity.uri,
    );
  },
);

test("a distribution that fails stops before anything is signed with the new root; an abort does too", async () => {
  const authority = keep(
    await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager(), pollSeconds: 0 }),
  );
  const before = authority.slots[0]?.id;
  const fails = { distributed: () => Promise.reject(new Error("proxy a did not acknowledge")) };
  await expect(rotateRoot(authority, fails)).rejects.toThrow("did not acknowledge");
  expect((await authority.issue({ csr: csrPem(), identity })).authorityId).toBe(before);
  expect(statuses(authority)).toBe("active,prepared");
  const stop = new AbortController();
  const stopping = rotateRoot(authority, { distributed: nothing, signal: stop.signal });
  setTimeout(() => stop.abort(), 50);
  await expect(stopping).rejects.toMatchObject({ code: "CA_NOT_READY" });
  expect(statuses(authority)).toBe("old,active");
});
