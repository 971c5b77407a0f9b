import { CaError, initAuthority, inspectCertificate, issueToDirectory } from "@fairlead/ca";
import { IdentityError } from "@fairlead/model";
import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { readText } from "../input.ts";
import { printJson } from "../output.ts";

/** What a user can cause becomes a message without a stack. */
async function answered<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CaError || error instanceof IdentityError)
      throw new CliError("unreadable", error.message, { cause: error });
    throw error;
  }
}

const directory = { dir: { type: "string" } } as const;

export const caInit: Command = {
  summary: "Makes a certificate authority in a folder: a P-256 key (mode 0600) and a self-signed root.",
  usage: "--dir D --trust-domain TD [-o json]",
  options: { ...directory, "trust-domain": { type: "string" } },
  required: ["dir", "trust-domain"],
  async run(call, terminal) {
    const dir = call.text("dir") ?? "";
    const trustDomain = call.text("trust-domain") ?? "";
    await answered(() => initAuthority(dir, { trustDomain }));
    if (call.json) printJson(terminal, { dir, trustDomain });
    else terminal.out(`a certificate authority for ${trustDomain} is in ${dir}\n`);
    return 0;
  },
};

export const caIssue: Command = {
  summary: "Issues an X.509-SVID: cert-chain.pem, key.pem (mode 0600) and root-cert.pem in a folder.",
  usage: "--dir D --id SPIFFE_ID --out DIR [-o json]",
  options: { ...directory, id: { type: "string" }, out: { type: "string" } },
  required: ["dir", "id", "out"],
  async run(call, terminal) {
    const [dir = "", id = "", out = ""] = [call.text("dir"), call.text("id"), call.text("out")];
    await answered(() => issueToDirectory({ dir, id, out }));
    if (call.json) printJson(terminal, { id, out });
    else terminal.out(`${id} is in ${out}\n`);
    return 0;
  },
};

export const caInspect: Command = {
  summary: "Shows what the first certificate of a PEM file says.",
  usage: "FILE [-o json]",
  options: {},
  positionals: { least: 1, most: 1 },
  async run(call, terminal) {
    const pem = await readText(call.positionals[0] ?? "");
    const details = await answered(async () => inspectCertificate(pem));
    if (call.json) printJson(terminal, details);
    else
      for (const [name, value] of Object.entries(details))
        terminal.out(
          `${name}: ${value instanceof Date ? value.toISOString() : typeof value === "string" ? value : JSON.stringify(value)}\n`,
        );
    return 0;
  },
};
