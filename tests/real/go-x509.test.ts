import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fairlead } from "../../packages/cli/test/captured.ts";
import { hasTool } from "../support/tool.ts";

const run = promisify(execFile);
const here = await hasTool("go", ["version"], "verifying certificates with Go");

describe.skipIf(!here)("certificates of `fairlead ca`, verified by Go", () => {
  const binary = join(import.meta.dirname, "../../.cache/go-x509");
  let home: string;
  const at = (...names: string[]) => join(home, ...names);
  const verify = (domain: string, roots: string, svid: string) =>
    run(binary, [domain, at(roots, "root-cert.pem"), at(svid, "cert-chain.pem"), at(svid, "key.pem")]);
  const issued = async (pki: string, id: string, out: string) => {
    const { code, err } = await fairlead("ca", "issue", "--dir", at(pki), "--id", id, "--out", at(out));
    expect({ code, err }).toEqual({ code: 0, err: "" });
  };

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "go-x509-"));
    await mkdir(join(binary, ".."), { recursive: true });
    // Go's own cache makes all but the first time short.
    await run("go", ["build", "-o", binary, "."], { cwd: join(import.meta.dirname, "go-x509"), timeout: 600_000 });
    for (const [pki, domain] of [
      ["pki", "shop.example"],
      ["other-pki", "shop.example"],
    ] as const)
      expect((await fairlead("ca", "init", "--dir", at(pki), "--trust-domain", domain)).code).toBe(0);
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  it.each([
    "spiffe://shop.example/ns/default/sa/web",
    "spiffe://shop.example/ns/a-b/sa/c.d_E",
    "spiffe://shop.example/anything",
  ])("%s", async (id) => {
    await issued("pki", id, "svid");
    const { stdout } = await verify("shop.example", "pki", "svid");
    expect(JSON.parse(stdout)).toEqual({
      id,
      chains: [2],
      server: true,
      client: true,
      handshake: "TLS 1.3",
      algorithm: "ECDSA",
    });
  });

  it("does not verify with the roots of another authority, or for another trust domain", async () => {
    await issued("other-pki", "spiffe://shop.example/ns/default/sa/web", "foreign");
    await expect(verify("shop.example", "pki", "foreign")).rejects.toThrow("certificate signed by unknown authority");
    await expect(verify("elsewhere.example", "other-pki", "foreign")).rejects.toThrow(
      'no X.509 bundle found for trust domain: "shop.example"',
    );
  });
});
