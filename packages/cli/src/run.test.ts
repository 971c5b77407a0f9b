import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { fairlead, folderOf } from "../test/captured.ts";

describe("words that make no command", () => {
  it.each<[string, string[], string]>([
    ["none", [], "no command was given"],
    ["an unknown one", ["serv"], 'there is no command "serv"'],
    ["an unknown option", ["validate", "--bogus"], "--bogus"],
    ["no files", ["validate"], "-f FILE or FOLDER is needed"],
    ["a kind nobody knows", ["validate", "-f", import.meta.filename, "--kind", "Nonsense"], "--kind Nonsense"],
    ["an unknown output", ["validate", "-f", "x", "-o", "yaml"], '-o takes json or text, not "yaml"'],
    ["an option that is needed", ["xds", "-f", "x"], "--node is needed"],
    ["an argument too many", ["validate", "-f", "x", "y"], "unexpected arguments"],
    ["an argument too few", ["ca", "inspect"], "unexpected arguments"],
    ["half a command", ["ca"], 'there is no command "ca"'],
    ["an address without a port", ["serve", "-f", "x", "--ads", "localhost"], "--ads takes HOST:PORT"],
    ["a mode nobody knows", ["bootstrap", "--node", "n", "--mode", "fast"], "--mode takes delta or sotw"],
  ])("%s: exit code 2, the reason, the usage", async (_, words, reason) => {
    // `--node` is read before `--mode` is looked at.
    await using folder = await folderOf({ n: '{"id":"sidecar~10.0.0.1~a.b~b.svc.cluster.local"}' });
    const given = words.map((word) => (word === "n" ? folder.at("n") : word));
    const { code, out, err } = await fairlead(...given);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(reason);
    expect(err).toMatch(/usage: fairlead |fairlead COMMAND/);
  });
});

describe("a path that cannot be read", () => {
  it.each([
    ["validate", "-f", "no/such"],
    ["xds", "-f", "no/such", "--node", "no/such.json"],
    ["bootstrap", "--node", "no/such.json"],
    ["ca", "inspect", "no/such.pem"],
    ["route", "-f", "no/such", "--from", "a.b", "http://a/"],
    ["serve", "-f", "no/such", "--ads", "127.0.0.1:0"],
  ])("%s: exit code 2, no usage, no stack", async (...words) => {
    const { code, out, err } = await fairlead(...words);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/^fairlead: .*no\/such/);
    expect(err).not.toMatch(/usage:|\n {4}at /);
  });
});

it("files are UTF-8, or UTF-16 with its mark; other bytes are not guessed at", async () => {
  const rule = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec: {host: a}\n";
  await using folder = await folderOf({});
  await writeFile(folder.at("wide.yaml"), Buffer.from(`\ufeff${rule}`, "utf16le"));
  await writeFile(folder.at("latin.yaml"), Buffer.from(rule.replace("host: a", "host: \u00e4"), "latin1"));
  expect((await fairlead("validate", "-f", folder.at("wide.yaml"))).code).toBe(0);
  const { code, err } = await fairlead("validate", "-f", folder.at("latin.yaml"));
  expect(code).toBe(2);
  expect(err).toMatch(/latin\.yaml cannot be read: line 4, column 14 is no UTF-8 text/);
});

describe("-o json prints exactly one JSON value", () => {
  it.each<[string, string[], number]>([
    ["of an unknown command", ["nonsense", "-o", "json"], 2],
    ["of no command", ["-o", "json"], 2],
    ["of a wrong option", ["validate", "--bogus", "-o", "json"], 2],
    ["of an unreadable file", ["validate", "-f", "no/such", "--output=json"], 2],
    ["of an unreadable node", ["xds", "-f", "no/such", "--node", "no/such", "-ojson"], 2],
    ["of a help", ["validate", "--help", "-o", "json"], 0],
    ["of the help", ["--help", "-o", "json"], 0],
    ["of nothing to validate", ["validate", "-f", "/dev/null", "-o", "json"], 0],
  ])("%s", async (_, words, code) => {
    const result = await fairlead(...words);
    expect(result.code).toBe(code);
    const value: unknown = JSON.parse(result.out);
    if (code === 2)
      expect(value).toEqual({
        error: { code: expect.stringMatching(/^(usage|unreadable)$/), message: expect.any(String) },
      });
  });
});

it("--help says what there is", async () => {
  const { code, out } = await fairlead("--help");
  expect(code).toBe(0);
  for (const name of ["validate", "xds", "serve", "bootstrap", "route", "ca init", "ca issue", "ca inspect"])
    expect(out).toContain(`  ${name} `);
  expect((await fairlead("ca", "issue", "-h")).out).toContain("--dir D --id SPIFFE_ID --out DIR");
});
