import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { identity } from "../../test/support/requests.ts";
import { intermediateAuthority } from "../authority/intermediate.ts";
import { selfSignedAuthority } from "../authority/self-signed.ts";
import { readCertificates } from "../certificate/parse.ts";
import { createCsr } from "../csr/create.ts";
import { newPrivateKey } from "../keys/algorithm.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { readRevocations } from "./crl.ts";

const trustDomain = "cluster.local";

test.each(["ec-p256", "rsa-2048"] as const)(
  "%s: a revoked subordinate is refused by OpenSSL and by us, others are not",
  async (keyType) => {
    await using root = await selfSignedAuthority({ trustDomain, keyType, keys: memoryKeyManager(), pollSeconds: 0 });
    const below = () =>
      intermediateAuthority({
        ...{ trustDomain, keyType, keys: memoryKeyManager(), pollSeconds: 0 },
        upstream: { name: "root", mint: (request) => root.issueSubordinate(request), close: async () => undefined },
      });
    await using good = await below();
    await using bad = await below();
    const [badSigning] = readCertificates(bad.intermediates[0] ?? "");
    await root.revoke(badSigning?.serial ?? "");
    await root.revoke(badSigning?.serial ?? "");
    await root.prepare();
    await expect(root.revoke("XY")).rejects.toMatchObject({ code: "OPTION_INVALID" });
    const folder = await mkdtemp(join(tmpdir(), "fairlead-crl-"));
    const verify = async (authority: typeof good) => {
      const key = newPrivateKey("ec-p256");
      const { certificateChain, roots } = await authority.issue({ csr: createCsr({ key }), identity });
      const [leaf = "", ...between] = certificateChain;
      const crls = (await root.revocationLists()) + (await authority.revocationLists());
      const files = { leaf, between: between.join(""), roots: roots.join(""), crls };
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      const at = (name: keyof typeof files) => join(folder, name);
      const args = ["verify", "-x509_strict", "-crl_check_all", "-CRLfile", at("crls"), "-CAfile", at("roots")];
      const openssl = await promisify(execFile)("openssl", [...args, "-untrusted", at("between"), at("leaf")]).then(
        ({ stdout }) => stdout,
        (error: { stderr: string }) => error.stderr,
      );
      const authorities = [
        ...readCertificates(files.between),
        ...readCertificates(root.trustBundle.x509Authorities.join("")),
      ];
      const isRevoked = readRevocations(crls, authorities, Date.now());
      return { openssl, revoked: authorities.map(isRevoked) };
    };
    const fine = await verify(good);
    expect(fine.openssl).toContain("leaf: OK");
    expect(fine.revoked).toEqual([false, false, false]);
    const refused = await verify(bad);
    expect(refused.openssl).toContain("certificate revoked");
    expect(refused.revoked).toEqual([true, false, false]);
    const [first] = (await root.revocationLists(60)).split("\n\n");
    await expect(async () =>
      readRevocations(first ?? "", readCertificates(root.trustBundle.x509Authorities.join("")), Date.now() + 61_000),
    ).rejects.toThrow("has expired");
    await rm(folder, { recursive: true });
  },
);
