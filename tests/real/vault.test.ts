import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  createCsr,
  inspectCertificate,
  intermediateAuthority,
  memoryKeyManager,
  memoryRecords,
  newPrivateKey,
  selfSignedAuthority,
  type VaultPkiOptions,
  type VaultTransitOptions,
  vaultPki,
  vaultTransitKeys,
} from "@fairlead/ca";
import { workloadSpiffeId } from "@fairlead/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { verifyChain } from "../support/openssl.ts";
import { hasVault, startVault, type VaultServer } from "../support/vault.ts";

const trustDomain = "shop.example";
const identity = workloadSpiffeId(trustDomain, "default", "web");
const here = await hasVault("a Vault as upstream");

describe.skipIf(!here)("a real Vault as upstream", () => {
  let server: VaultServer;
  let folder: string;
  beforeAll(async () => {
    server = await startVault();
    folder = await mkdtemp(join(tmpdir(), "vault-upstream-"));
  }, 1_300_000);
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (options: Partial<VaultPkiOptions> = {}) =>
    intermediateAuthority({
      ...{ trustDomain, keys: memoryKeyManager(), pollSeconds: 0 },
      upstream: vaultPki({ ...server.options, ...options }),
    });
  const verified = (chain: readonly string[]) => verifyChain(chain, server.root, folder);

  it.each([
    ["its root", "pki", 2],
    ["an intermediate of it", "below", 3],
  ])("%s signs our signing certificate, and OpenSSL verifies leaves under it", async (_, mount, length) => {
    const trustAnchors = mount === "pki" ? {} : { trustAnchors: server.root };
    await using authority = await open({ mount, ...trustAnchors });
    const issue = () => authority.issue({ csr: createCsr({ key: newPrivateKey("ec-p256"), identity }), identity });
    const issued = await issue();
    expect(issued.certificateChain).toHaveLength(length);
    expect(issued.roots).toEqual([server.root]);
    expect(await verified(issued.certificateChain)).toContain("leaf: OK");
    const [, signing] = inspectCertificate(issued.certificateChain.join(""));
    expect(signing).toMatchObject({ isAuthority: true, spiffeId: `spiffe://${trustDomain}` });
    const days = (authority.notAfter - Date.now()) / 86_400_000;
    expect([days > 29, days < 31]).toEqual([true, true]);
    const first = authority.authorityId;
    await authority.renew();
    expect(authority.authorityId).not.toBe(first);
    expect(await verified((await issue()).certificateChain)).toContain("leaf: OK");
  });

  it("its roots are published", async () => {
    const upstream = vaultPki(server.options);
    expect(await upstream.roots?.(AbortSignal.timeout(5_000))).toEqual([server.root]);
  });

  it.each<[string, Partial<VaultPkiOptions>, RegExp]>([
    ["another token", { token: async () => "hvs.nobody" }, /REQUEST_FAILED.*answered 403.*permission denied/],
    ["a chain without its root", { mount: "below" }, /BUNDLE_INVALID.*reaches no root; give it by trustAnchors/],
    ["an engine that is not there", { mount: "nowhere" }, /REQUEST_FAILED.*answered (403|404)/],
  ])("%s: says what Vault says, and not the token", async (_, options, message) => {
    const failure = await open(options).catch((error: unknown) => error as Error);
    expect(String(failure)).toMatch(message);
    expect(String(failure)).not.toContain("hvs.");
  });

  describe("and as where the keys are", () => {
    const keysOf = (options: Partial<VaultTransitOptions> = {}) =>
      vaultTransitKeys({ ...server.options, records: memoryRecords(), ...options });

    it.each(["ec-p256", "ec-p384", "rsa-2048"] as const)(
      "%s: OpenSSL verifies what such a root signs",
      async (keyType) => {
        const keys = keysOf({ prefix: `${keyType}-` });
        await using authority = await selfSignedAuthority({ trustDomain, keys, keyType, pollSeconds: 0 });
        const csr = createCsr({ key: newPrivateKey("ec-p256"), identity });
        const { certificateChain, roots } = await authority.issue({ csr, identity });
        const at = (name: string) => join(folder, name);
        await writeFile(at("leaf"), certificateChain.join(""));
        await writeFile(at("own-root"), roots.join("") + (await authority.revocationLists()));
        const words = ["verify", "-x509_strict", "-crl_check", "-CAfile", at("own-root"), at("leaf")];
        expect((await promisify(execFile)("openssl", words)).stdout).toContain("leaf: OK");
      },
    );

    it("a root is found again, changed for a new key, and its key destroyed", async () => {
      const records = memoryRecords();
      const keys = keysOf({ records });
      const first = await selfSignedAuthority({ trustDomain, keys, pollSeconds: 0 });
      const [old] = first.slots;
      await first.close();
      await using again = await selfSignedAuthority({ trustDomain, keys: keysOf({ records }), pollSeconds: 0 });
      expect(again.authorityId).toBe(old?.id);
      await again.activate((await again.prepare()).id);
      expect((await keys.listKeys()).toSorted()).toEqual(["authority-1", "authority-2"]);
      await again.retire(old?.id ?? "", { force: true });
      expect(await keys.listKeys()).toEqual(["authority-2"]);
      const csr = createCsr({ key: newPrivateKey("ec-p256"), identity });
      expect((await again.issue({ csr, identity })).authorityId).not.toBe(old?.id);
      await expect(keys.generateKey("authority-2", "ec-p256")).rejects.toMatchObject({ code: "KEY_INVALID" });
      await expect(keys.generateKey("other", "ed25519")).rejects.toMatchObject({ code: "OPTION_INVALID" });
      await keys.deleteKey("nobody");
    });

    it("issues nothing while Vault does not answer, and goes on when it does", async () => {
      await using authority = await selfSignedAuthority({
        ...{ trustDomain, pollSeconds: 0 },
        keys: keysOf({ prefix: "stopped-", timeoutMs: 300 }),
      });
      const issue = () => authority.issue({ csr: createCsr({ key: newPrivateKey("ec-p256"), identity }), identity });
      process.kill(server.pid, "SIGSTOP");
      try {
        await expect(issue()).rejects.toMatchObject({ code: "REQUEST_FAILED" });
      } finally {
        process.kill(server.pid, "SIGCONT");
      }
      expect((await issue()).certificateChain).toHaveLength(1);
    });
  });
});
