import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryKeyManager, planRootRotation, pluggedAuthority, rotateRoot, selfSignedAuthority } from "@fairlead/ca";
import { describe, test } from "vitest";
import { type Issuing, makeAuthority } from "../../packages/ca/test/support/authorities.ts";
import { sleep, startTlsTraffic } from "../support/tls-traffic.ts";

/** Seconds a workload's certificate lives. */
const LIFE = 10;

describe("certificates change under traffic", () => {
  test.concurrent.for([
    ["delta", "DELTA_GRPC", 60],
    ["sotw", "GRPC", 61],
  ] as const)(
    "%s: no request fails when workload certificates and then the root are replaced",
    async ([, apiType, net], { expect }) => {
      await using authority = await selfSignedAuthority({ trustDomain: "cluster.local", keys: memoryKeyManager() });
      await using traffic = await startTlsTraffic({ authority, net, apiType, life: LIFE });
      const { agents, inUse, seen } = traffic;
      const first = authority.trustBundle.x509Authorities;
      await inUse(first);
      for (const agent of agents) await agent.rotate();
      await inUse(first);

      expect(planRootRotation(authority).map(({ step }) => step)).toEqual([
        "prepare",
        "distribute",
        "activate",
        "drain",
        "retire",
      ]);
      const steps: string[] = [];
      await rotateRoot(authority, {
        distributed: ({ x509Authorities }) => inUse(x509Authorities),
        async renewed() {
          for (const agent of agents) await agent.rotate();
          await inUse(authority.trustBundle.x509Authorities);
        },
        onStep: ({ step }) => void steps.push(step),
      });
      expect(steps).toEqual(["prepare", "distribute", "activate", "renew", "drain", "retire"]);
      expect(authority.trustBundle.x509Authorities).toHaveLength(1);
      expect(authority.trustBundle.x509Authorities).not.toEqual(first);
      await inUse(authority.trustBundle.x509Authorities);

      // Beyond the life of what was there at the end of the rotation: renewed by itself, in time.
      const rotated = seen.size;
      await sleep((LIFE + 1) * 1000);
      const { answers, good, seconds } = await traffic.stop();
      const total = Object.values(answers).reduce((sum, count) => sum + count, 0);
      expect(answers).toEqual({ [good]: total });
      expect(total).toBeGreaterThan(seconds * 5);
      expect(rotated).toBeGreaterThanOrEqual(3);
      expect(seen.size).toBeGreaterThan(rotated);
    },
  );

  test.concurrent("no request fails when signing certificates below one root are replaced, also by files that do not hold", async ({
    expect,
  }) => {
    await using stack = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), "cacerts-"));
    stack.defer(() => rm(directory, { recursive: true, force: true }));
    const put = async (name: string, text: string) => {
      await writeFile(join(directory, `.${name}`), text, { mode: 0o600 });
      await rename(join(directory, `.${name}`), join(directory, name));
    };
    const root = await makeAuthority("root");
    const plug = async ({ pem, keyPem }: Issuing, own = keyPem) => {
      await put("root-cert.pem", root.pem);
      await put("cert-chain.pem", pem);
      await put("ca-cert.pem", pem);
      await put("ca-key.pem", own);
    };
    const signing = await Promise.all([1, 2, 3].map((at) => makeAuthority(`signing ${at}`, root, { pathLength: 0 })));
    const [first, ...later] = signing;
    if (!first) throw new Error("no signing certificate");
    await plug(first);
    const problems: string[] = [];
    const authority = stack.use(
      await pluggedAuthority({
        trustDomain: "cluster.local",
        directory,
        pollSeconds: 1,
        onProblem: ({ code }) => problems.push(code),
      }),
    );
    const traffic = stack.use(await startTlsTraffic({ authority, net: 62, apiType: "DELTA_GRPC", life: LIFE }));
    for (const next of later) {
      // Half of the change first: the certificate and not its key.
      await plug(next, first.keyPem);
      await expect.poll(() => problems, { timeout: 5000 }).toContain("BUNDLE_INVALID");
      expect(authority.trustBundle.x509Authorities).toEqual([root.pem]);
      await plug(next);
      await expect.poll(() => authority.authorityId, { timeout: 5000 }).toBe(next.certificate.subjectKeyId);
      for (const agent of traffic.agents) await agent.rotate();
      await traffic.inUse([root.pem]);
      const secret = traffic.agents[0]?.get("default");
      expect(secret?.kind === "key-pair" && secret.certificateChain).toContain(next.pem);
    }
    const { answers, good, seconds } = await traffic.stop();
    const total = Object.values(answers).reduce((sum, count) => sum + count, 0);
    expect(answers).toEqual({ [good]: total });
    expect(total).toBeGreaterThan(seconds * 5);
  });
});
