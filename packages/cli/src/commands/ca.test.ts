import { X509Certificate } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe("ca", () => {
  it("init makes an authority that only its owner can read, and finds it again", async () => {
    await using folder = await folderOf();
    const init = ["ca", "init", "--dir", folder.at("pki"), "--trust-domain", "shop.example", "-o", "json"];
    const { code, out } = await fairlead(...init);
    expect({ code, value: JSON.parse(out) }).toEqual({
      code: 0,
      value: { dir: folder.at("pki"), trustDomain: "shop.example" },
    });
    expect(await modeOf(folder.at("pki"))).toBe("700");
    for (const name of await readdir(folder.at("pki")))
      expect([name, await modeOf(folder.at("pki", name))]).toEqual([name, name === "root-cert.pem" ? "644" : "600"]);
    const root = await readFile(folder.at("pki", "root-cert.pem"), "utf8");
    expect((await fairlead(...init)).code).toBe(0);
    expect(await readFile(folder.at("pki", "root-cert.pem"), "utf8")).toBe(root);
  });

  it("issue writes chain, key and roots, the key for its owner alone", async () => {
    await using folder = await folderOf();
    await fairlead("ca", "init", "--dir", folder.at("pki"), "--trust-domain", "shop.example");
    const id = "spiffe://shop.example/ns/default/sa/web";
    const { code, out } = await fairlead(
      "ca",
      "issue",
      "--dir",
      folder.at("pki"),
      "--id",
      id,
      "--out",
      folder.at("svid"),
    );
    expect({ code, out }).toEqual({ code: 0, out: `${id} is in ${folder.at("svid")}\n` });
    expect((await readdir(folder.at("svid"))).sort()).toEqual(["cert-chain.pem", "key.pem", "root-cert.pem"]);
    expect(await modeOf(folder.at("svid", "key.pem"))).toBe("600");
    const read = (name: string) => readFile(folder.at("svid", name), "utf8");
    const [leaf, root] = [
      new X509Certificate(await read("cert-chain.pem")),
      new X509Certificate(await read("root-cert.pem")),
    ];
    expect(leaf.subjectAltName).toBe(`URI:${id}`);
    expect(leaf.verify(root.publicKey)).toBe(true);
    expect(await read("root-cert.pem")).toBe(await readFile(folder.at("pki", "root-cert.pem"), "utf8"));

    const inspected = await fairlead("ca", "inspect", folder.at("svid", "cert-chain.pem"), "-o", "json");
    expect(inspected.code).toBe(0);
    expect(JSON.stringify(JSON.parse(inspected.out))).toContain(id);
    expect((await fairlead("ca", "inspect", folder.at("svid", "cert-chain.pem"))).out).toContain(id);
  });

  it.each<[string, readonly string[], string]>([
    [
      "an authority that is not there",
      ["issue", "--dir", "none", "--id", "spiffe://a/b", "--out", "out"],
      "there is no authority",
    ],
    ["another trust domain", ["issue", "--dir", "pki", "--id", "spiffe://elsewhere/b", "--out", "out"], "elsewhere"],
    ["an ID that is none", ["issue", "--dir", "pki", "--id", "https://shop.example/b", "--out", "out"], "spiffe://"],
    ["a trust domain that is none", ["init", "--dir", "new", "--trust-domain", "Not A Domain"], "Not A Domain"],
    ["a folder of another trust domain", ["init", "--dir", "pki", "--trust-domain", "elsewhere"], "shop.example"],
    ["a file that is no certificate", ["inspect", "text"], ""],
  ])("%s: exit code 2 and no stack", async (_, words, message) => {
    await using folder = await folderOf({ text: "no certificate" });
    await fairlead("ca", "init", "--dir", folder.at("pki"), "--trust-domain", "shop.example");
    const paths = new Set(["none", "pki", "out", "new", "text"]);
    const { code, err } = await fairlead("ca", ...words.map((word) => (paths.has(word) ? folder.at(word) : word)));
    expect(code).toBe(2);
    expect(err).toContain(message);
    expect(err).not.toMatch(/\n {4}at /);
    expect(await readdir(folder.at())).not.toContain("out");
  });
});
