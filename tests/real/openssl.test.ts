import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initAuthority } from "@fairlead/ca";
import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fairlead } from "../../packages/cli/test/captured.ts";
import { hasTool } from "../support/tool.ts";

const here = await hasTool("openssl", ["version"], "verifying certificates with OpenSSL");

/** Runs openssl; what it reads is ended after `linger` milliseconds, so that a server's last words arrive. */
function openssl(words: readonly string[], linger = 0): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("openssl", words, { stdio: ["pipe", "pipe", "pipe"], timeout: 20_000 });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString("utf8");
      });
    child.stdin.on("error", () => undefined);
    setTimeout(() => child.stdin.end(), linger);
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, text }));
  });
}

describe.skipIf(!here)("certificates and TLS, seen by OpenSSL", () => {
  let home: string;
  const at = (...names: string[]) => join(home, ...names);

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "openssl-"));
    expect((await fairlead("ca", "init", "--dir", at("pki"), "--trust-domain", "cluster.local")).code).toBe(0);
    const id = "spiffe://cluster.local/ns/default/sa/web";
    expect((await fairlead("ca", "issue", "--dir", at("pki"), "--id", id, "--out", at("svid"))).code).toBe(0);
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  it.each(["sslserver", "sslclient"])("verifies strictly for %s", async (purpose) => {
    const chain = at("svid", "cert-chain.pem");
    const words = ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", at("svid", "root-cert.pem"), chain];
    expect(await openssl(words)).toEqual({ code: 0, text: `${chain}: OK\n` });
  });

  it("the root verifies itself strictly", async () => {
    const root = at("pki", "root-cert.pem");
    expect(await openssl(["verify", "-x509_strict", "-CAfile", root, root])).toEqual({
      code: 0,
      text: `${root}: OK\n`,
    });
  });

  it("the key is the certificate's", async () => {
    const [fromKey, fromCertificate] = await Promise.all([
      openssl(["pkey", "-in", at("svid", "key.pem"), "-pubout"]),
      openssl(["x509", "-in", at("svid", "cert-chain.pem"), "-noout", "-pubkey"]),
    ]);
    expect(fromKey.text).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    expect(fromKey.text).toBe(fromCertificate.text);
  });

  it("the discovery port speaks TLS 1.3 and HTTP/2, proves its identity and wants the client's", async () => {
    await using authority = await initAuthority(at("pki"), { trustDomain: "cluster.local" });
    await using plane = await createControlPlane({ config: textStore({}), authority });
    const { ads } = await plane.listen({ ads: "127.0.0.1:0" });
    const connect = ["s_client", "-connect", ads, "-alpn", "h2", "-CAfile", at("pki", "root-cert.pem")];
    const verified = [...connect, "-verify_return_error", "-x509_strict", "-verify_ip", "127.0.0.1"];
    const client = ["-cert", at("svid", "cert-chain.pem"), "-key", at("svid", "key.pem")];

    const { text } = await openssl([...verified, ...client], 500);
    expect(text).toMatch(/^New, TLSv1\.3, Cipher is TLS_/m);
    expect(text).toContain("ALPN protocol: h2");
    expect(text).toContain("Verify return code: 0 (ok)");
    expect(text).not.toContain("alert");

    expect((await openssl(verified, 500)).text).toContain("alert certificate required");
    // A session that is resumed would skip the check of the client.
    const session = at("session.pem");
    await openssl([...verified, ...client, "-sess_out", session], 500);
    expect((await openssl([...verified, ...client, "-sess_in", session], 500)).text).toMatch(/^New, TLSv1\.3/m);
  });

  it.each([
    ["the discovery port", {}],
    ["the discovery port that takes tokens too", { authenticators: [] }],
    ["the certificate service", { certificates: { address: "127.0.0.1:0", authenticators: [] } }],
  ])("%s refuses TLS 1.2, unless told to take it", async (_, options) => {
    await using authority = await initAuthority(at("pki"), { trustDomain: "cluster.local" });
    await using plane = await createControlPlane({ config: textStore({}), authority });
    const dial = async (address: string, version: string) => {
      const { text } = await openssl(["s_client", "-connect", address, "-alpn", "h2", version], 300);
      return /^New, (TLSv1\.[23])/m.exec(text)?.[1] ?? /alert protocol version/.exec(text)?.[0] ?? text;
    };
    const strict = await plane.listen({ ads: "127.0.0.1:0", ...options });
    const address = strict.certificates ?? strict.ads;
    expect(await dial(address, "-tls1_2")).toBe("alert protocol version");
    expect(await dial(address, "-tls1_3")).toBe("TLSv1.3");
    const lenient = await plane.listen({ ads: "127.0.0.1:0", ...options, minTlsVersion: "TLSv1.2" });
    expect(await dial(lenient.certificates ?? lenient.ads, "-tls1_2")).toBe("TLSv1.2");
  });
});
