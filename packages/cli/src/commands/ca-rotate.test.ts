import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { fairlead, folderOf } from "../../test/captured.ts";

async function authority() {
  const folder = await folderOf();
  await fairlead("ca", "init", "--dir", folder.at("pki"), "--trust-domain", "shop.example");
  return { folder, rotate: (...words: string[]) => fairlead("ca", "rotate", "--dir", folder.at("pki"), ...words) };
}

it("shows the plan and changes nothing", async () => {
  const { folder, rotate } = await authority();
  await using _ = folder;
  const roots = await readFile(folder.at("pki", "root-cert.pem"), "utf8");
  const { code, out } = await rotate();
  expect(code).toBe(0);
  expect(out.split("\n").map((line) => line.split(/ +/).slice(0, 2).join(" "))).toEqual([
    expect.stringMatching(/^root [0-9a-f]{40}$/),
    ...["prepare", "distribute", "activate", "drain", "retire"].map((step) => `would ${step}`),
    "nothing was",
    "",
  ]);
  const json = JSON.parse((await rotate("-o", "json")).out);
  expect(json).toMatchObject({ dryRun: true, plan: { length: 5 }, slots: [{ status: "active" }] });
  expect(await readFile(folder.at("pki", "root-cert.pem"), "utf8")).toBe(roots);
});

it("goes as far as it can, says when to go on, and ends with another root", async () => {
  const { folder, rotate } = await authority();
  await using _ = folder;
  const before = await readFile(folder.at("pki", "root-cert.pem"), "utf8");
  const first = JSON.parse((await rotate("--yes", "--max-ttl", "3600", "-o", "json")).out);
  expect(first).toMatchObject({ done: [{ step: "prepare" }], left: { length: 4 }, slots: { length: 2 } });
  expect(Date.parse(first.notBefore)).toBeGreaterThan(Date.now() + 3_600_000);
  expect((await rotate("--yes")).out).toContain("to be called again from");
  expect(await readFile(folder.at("pki", "root-cert.pem"), "utf8")).toContain(before);
  const { out } = await rotate("--yes", "--max-ttl", "0");
  expect(out).toContain("the rotation is over");
  expect(await readFile(folder.at("pki", "root-cert.pem"), "utf8")).not.toContain(before);
  const inspected = JSON.parse((await fairlead("ca", "inspect", folder.at("pki"), "-o", "json")).out);
  expect(inspected).toMatchObject({ slots: [{ status: "active" }], roots: [{ isAuthority: true }] });
});

it("forces a step only with --yes, and refuses what cannot be", async () => {
  const { folder, rotate } = await authority();
  await using _ = folder;
  expect((await rotate("--step", "prepare")).out).toContain("would prepare");
  expect(JSON.parse((await rotate("--step", "prepare", "--yes", "-o", "json")).out).slots).toHaveLength(2);
  expect((await rotate("--step", "revoke", "--yes")).err).toContain("ROTATION_REFUSED");
  await rotate("--step", "activate", "--yes");
  expect(JSON.parse((await rotate("--step", "revoke", "--yes", "-o", "json")).out).slots).toHaveLength(1);
});

it.each([
  [["--step", "burn"], "--step takes"],
  [["--root", "aa"], "--root goes with --step"],
  [["--max-ttl", "1d"], "--max-ttl takes seconds"],
  [["--step", "taint", "--max-ttl", "5"], "it takes no --max-ttl"],
])("%j: usage", async (words, message) => {
  const { folder, rotate } = await authority();
  await using _ = folder;
  const { code, err } = await rotate(...words);
  expect(code).toBe(2);
  expect(err).toContain(message);
  expect((await fairlead("ca", "rotate", "--dir", folder.at("none"))).err).toContain("there is no authority");
});
