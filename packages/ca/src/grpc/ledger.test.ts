import { workloadSpiffeId } from "@fairlead/model";
import { afterEach, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { createAgent } from "../agent/agent.ts";
import { issuanceLedger } from "../authority/ledger.ts";
import { rotateRoot } from "../authority/root-rotation.ts";
import { selfSignedAuthority } from "../authority/self-signed.ts";
import { inspectCertificate } from "../certificate/inspect.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { grpcCaClient } from "./client.ts";
import { clientCertificate } from "./client-certificate.ts";
import { joinTokens } from "./join-token.ts";
import { listenCertificateService } from "./listen.ts";

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close();
});
const keep = <T extends { close(): Promise<void> }>(one: T): T => {
  closing.push(one);
  return one;
};
const entry = { authorityId: "a", sequence: 1, replaces: undefined };

test("counts what is alive, and knows what it cannot know", () => {
  const clock = fakeClock();
  const bundle = { sequence: 2 } as Parameters<ReturnType<typeof issuanceLedger>["behind"]>[0];
  const ledger = issuanceLedger({ maxTtlSeconds: 3600, clock });
  ledger.record({ ...entry, serial: "1", notAfter: clock.now() + 7_200_000 });
  expect(ledger.behind(bundle)).toBe(Number.POSITIVE_INFINITY);
  clock.jump(3_600_000);
  expect(ledger.behind(bundle)).toBe(1);
  ledger.record({
    ...entry,
    serial: "2",
    notAfter: clock.now() + 7_200_000,
    sequence: 2,
    authorityId: "b",
    replaces: "1",
  });
  expect([ledger.behind(bundle), ledger.signedBy(["a"]), ledger.signedBy(["b"])]).toEqual([1, 1, 1]);
  clock.jump(60_000); // the holder has had time to swap
  expect([ledger.behind(bundle), ledger.signedBy(["a"]), ledger.signedBy(["b"])]).toEqual([0, 0, 1]);
  clock.jump(7_200_000);
  expect(ledger.signedBy(["b"])).toBe(0);
});

test("a root rotation waits until every agent has learnt the new root and left the old one", async () => {
  const clock = fakeClock(Date.now());
  const authority = keep(
    await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager(), pollSeconds: 0 }),
  );
  const tokens = joinTokens();
  const ledger = issuanceLedger({ maxTtlSeconds: 3600, startsLate: false, clock });
  const server = keep(
    await listenCertificateService({
      authority,
      authenticators: [clientCertificate({ authority }), tokens],
      address: "127.0.0.1:0",
      ledger,
    }),
  );
  const roots = authority.trustBundle.x509Authorities.join("");
  const agents = await Promise.all(
    ["a", "b"].map(async (name) => {
      const identity = workloadSpiffeId("cluster.local", "default", name);
      const agent = keep(
        createAgent({
          identity,
          ca: grpcCaClient({ address: server.address, roots, token: tokens.add({ identity }) }),
        }),
      );
      await agent.ready;
      return agent;
    }),
  );
  const [one, two] = agents;
  const steps: string[] = [];
  const rotation = rotateRoot(authority, { ...ledger, clock, onStep: ({ step }) => steps.push(step) });
  await expect.poll(() => steps.join()).toBe("prepare");
  await one?.rotate();
  await clock.advance(61_000);
  expect(ledger.behind(authority.trustBundle)).toBe(1);
  expect(steps.join()).toBe("prepare");
  await two?.rotate();
  await clock.advance(61_000);
  await expect.poll(() => steps.join()).toBe("prepare,distribute,activate");
  await one?.rotate();
  await two?.rotate();
  await clock.advance(62_000);
  await rotation;
  expect(steps.join()).toBe("prepare,distribute,activate,renew,drain,retire");
  for (const agent of agents) {
    const pair = agent.get("default");
    const [leaf] = inspectCertificate(pair?.kind === "key-pair" ? pair.certificateChain : "");
    expect(leaf?.authorityKeyId).toBe(authority.slots[0]?.id);
  }
});
