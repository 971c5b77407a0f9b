import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createCsr,
  fileKeyManager,
  inspectCertificate,
  intermediateAuthority,
  newPrivateKey,
  stepCa,
} from "@fairlead/ca";
import { workloadSpiffeId } from "@fairlead/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyChain } from "../support/openssl.ts";
import { hasStepCa, type StepCaServer, startStepCa } from "../support/step-ca.ts";
import { hasTool } from "../support/tool.ts";

const trustDomain = "shop.example";
const identity = workloadSpiffeId(trustDomain, "default", "web");
const here =
  (await hasTool("openssl", ["version"], "verifying what hangs on a step-ca")) &&
  (await hasStepCa("a step-ca as upstream"));

describe.skipIf(!here)("a real step-ca as upstream", () => {
  let server: StepCaServer;
  let folder: string;
  beforeAll(async () => {
    server = await startStepCa(trustDomain);
    folder = await mkdtemp(join(tmpdir(), "upstream-"));
  }, 1_300_000);
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const issue = (authority: Awaited<ReturnType<typeof intermediateAuthority>>) =>
    authority.issue({ csr: createCsr({ key: newPrivateKey("ec-p256"), identity }), identity });
  const open = (problems: string[] = []) =>
    intermediateAuthority({
      trustDomain,
      keys: fileKeyManager(join(folder, "keys")),
      upstream: stepCa(server.options),
      rotation: { backoffMs: 50, maxBackoffMs: 200 },
      pollSeconds: 0,
      onProblem: ({ message }) => problems.push(message),
    });
  const verified = (chain: readonly string[]) => verifyChain(chain, server.root, folder);

  it("signs our signing certificate; OpenSSL verifies leaves under it; renewals outlast an upstream that is away", async () => {
    const problems: string[] = [];
    const authority = await open(problems);
    const issued = await issue(authority);
    expect(issued.certificateChain).toHaveLength(3);
    expect(await verified(issued.certificateChain)).toContain("leaf: OK");
    expect(issued.roots).toEqual([server.root]);
    const [, signing] = inspectCertificate(issued.certificateChain.join(""));
    expect(signing).toMatchObject({
      isAuthority: true,
      keyUsage: ["keyCertSign", "cRLSign"],
      spiffeId: `spiffe://${trustDomain}`,
      subjectKeyId: authority.authorityId,
    });

    const first = authority.authorityId;
    await server.restart(async () => {
      await expect(authority.renew()).rejects.toMatchObject({ code: "REQUEST_FAILED" });
      await issue(authority);
    });
    // It was being tried again all the while.
    await expect.poll(() => authority.authorityId, { timeout: 20_000 }).not.toBe(first);
    expect(problems[0]).toContain("ECONNREFUSED");
    expect(await verified((await issue(authority)).certificateChain)).toContain("leaf: OK");
    const last = authority.authorityId;
    await authority.close();

    await using again = await open();
    expect(again.authorityId).toBe(last);
  });

  it("says what step-ca says when it refuses", async () => {
    const provisioner = { ...server.options.provisioner, name: "nobody" };
    const upstream = stepCa({ ...server.options, provisioner });
    await expect(
      intermediateAuthority({ trustDomain, keys: fileKeyManager(join(folder, "other")), upstream, pollSeconds: 0 }),
    ).rejects.toThrow(/REQUEST_FAILED.*answered 401/);
  });
});
