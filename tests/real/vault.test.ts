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
  newPrivateKey,
  type VaultPkiOptions,
  vaultPki,
} from "@fairlead/ca";
import { workloadSpiffeId } from "@fairlead/model";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
  const verified = async (chain: readonly string[]) => {
    const [leaf = "", ...between] = chain;
    const files = { root: server.root, between: between.join(""), leaf };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const at = (name: string) => join(folder, name);
    const words = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", at("root")];
    return (await promisify(execFile)("openssl", [...words, "-untrusted", at("between"), at("leaf")])).stdout;
  };

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
});
