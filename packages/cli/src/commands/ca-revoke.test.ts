import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createDiscoveryClient } from "@fairlead/xds/client";
import { credentials } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { begin, fairlead, folderOf } from "../../test/captured.ts";

const ID = (account: string) => `spiffe://cluster.local/ns/default/sa/${account}`;
const run = promisify(execFile);

describe("an authority's administrator", () => {
  it("changes its roots and revokes certificates from elsewhere, and nobody else does", async () => {
    await using folder = await folderOf({
      "mesh.yaml": "",
      "plane.yaml": `certificates: { admins: ["${ID("admin")}"] }\n`,
      tokens: "",
    });
    const pki = folder.at("pki");
    await fairlead("ca", "init", "--dir", pki, "--trust-domain", "cluster.local");
    for (const account of ["admin", "web"])
      await fairlead("ca", "issue", "--dir", pki, "--id", ID(account), "--out", folder.at(account));
    const serve = begin(
      ...["serve", "-f", folder.at("mesh.yaml"), "--ads", "127.0.0.1:0", "--ca", pki, "-o", "json"],
      ...["--certificates", "127.0.0.1:0", "--join-tokens", folder.at("tokens"), "--audit", folder.at("audit")],
      ...["--control-plane-config", folder.at("plane.yaml")],
    );
    await expect.poll(serve.out, { timeout: 20_000 }).toContain("certificates");
    const { certificates, ads } = JSON.parse(serve.out()) as { certificates: string; ads: string };
    const as = (account: string, command: string, ...words: string[]) =>
      fairlead("ca", command, "--ca", certificates, "--certificate", folder.at(account), ...words);

    const shown = await as("web", "rotate");
    expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(/^root [0-9a-f]{40} {2}active /)]);
    const refused = await as("web", "rotate", "--step", "prepare", "--yes");
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("PERMISSION_DENIED")]);
    const prepared = await as("admin", "rotate", "--step", "prepare", "--yes", "-o", "json");
    const { slots } = JSON.parse(prepared.out) as { slots: { status: string }[] };
    expect(slots.map(({ status }) => status)).toEqual(["active", "prepared"]);
    await expect.poll(() => readFile(join(pki, "root-cert.pem"), "utf8")).toMatch(/BEGIN[\s\S]*BEGIN/);

    const chain = folder.at("web", "cert-chain.pem");
    const { stdout } = await run("openssl", ["x509", "-in", chain, "-noout", "-serial"]);
    const serial = stdout.trim().replace("serial=", "");
    const ask = async () => {
      const own = ["root-cert.pem", "key.pem", "cert-chain.pem"].map((name) => readFile(folder.at("web", name)));
      const [roots = null, key = null, certificate = null] = await Promise.all(own);
      return new Promise<string>((resolve) => {
        const client = createDiscoveryClient({
          ...{ address: ads, credentials: credentials.createSsl(roots, key, certificate) },
          node: { id: "sidecar~10.0.0.9~web-1.default~default.svc.cluster.local" },
          subscriptions: { "type.googleapis.com/envoy.config.cluster.v3.Cluster": ["*"] },
          onResources: () => void end("served"),
          onDisconnect: ({ message }) => end(message),
        });
        const end = (outcome: string) => {
          client.close();
          resolve(outcome);
        };
      });
    };
    expect(await ask()).toBe("served");
    expect(await as("admin", "revoke", "--serial", serial)).toMatchObject({ code: 0 });
    expect(await ask()).toMatch(/PERMISSION_DENIED.*has been revoked/);
    expect((await as("web", "crl")).err).toContain("UNAUTHENTICATED");
    const crl = await as("admin", "crl");
    await writeFile(folder.at("crl.pem"), crl.out);
    const verify = ["verify", "-crl_check", "-CRLfile", folder.at("crl.pem"), "-CAfile", join(pki, "root-cert.pem")];
    await expect(run("openssl", [...verify, chain])).rejects.toMatchObject({
      stderr: expect.stringContaining("certificate revoked"),
    });
    expect((await run("openssl", [...verify, folder.at("admin", "cert-chain.pem")])).stdout).toContain("OK");
    serve.stop();
    await serve.result;
    const audit = await fairlead("ca", "audit", folder.at("audit"));
    expect(audit.out).toMatch(/changed .*prepare\n/);
    expect(audit.out).toMatch(new RegExp(`changed .*revoke ${serial.toLowerCase()}\n`));
  });

  it("does the same in a folder", async () => {
    await using folder = await folderOf();
    const pki = folder.at("pki");
    await fairlead("ca", "init", "--dir", pki, "--trust-domain", "cluster.local");
    const revoked = await fairlead("ca", "revoke", "--dir", pki, "--serial", "4A:BC", "-o", "json");
    expect(JSON.parse(revoked.out)).toEqual({ revoked: "4abc" });
    const { pem } = JSON.parse((await fairlead("ca", "crl", "--dir", pki, "-o", "json")).out);
    await writeFile(folder.at("crl.pem"), pem);
    const { stdout } = await run("openssl", ["crl", "-in", folder.at("crl.pem"), "-noout", "-text"]);
    expect(stdout).toContain("Serial Number: 4ABC");
  });

  it.each<[string, readonly string[], string]>([
    ["nowhere", ["revoke", "--serial", "4a"], "either --dir or --ca"],
    ["twice", ["crl", "--dir", "d", "--ca", "h:1"], "either --dir or --ca"],
    ["without certificate", ["crl", "--ca", "h:1"], "--ca and --certificate go together"],
    ["no serial", ["revoke", "--dir", "d", "--serial", "xyz"], "in hex"],
    ["all steps at once", ["rotate", "--ca", "h:1", "--certificate", "d", "--yes"], "--ca needs --step"],
    ["no folder", ["crl", "--dir", "none"], "CA_NOT_READY"],
  ])("%s: exit code 2 and no stack", async (_, words, message) => {
    await using folder = await folderOf();
    const { code, err } = await fairlead("ca", ...words.map((word) => (word === "none" ? folder.at(word) : word)));
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n {4}at /);
  });
});
