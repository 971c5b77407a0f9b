import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  CERTIFICATE_FILES,
  type CertificateDetails,
  initAuthority,
  inspectCertificate,
  issueToDirectory,
  planRotationInDirectory,
} from "@fairlead/ca";
import { answered } from "../answered.ts";
import type { Command, Terminal } from "../command.ts";
import { readText } from "../input.ts";
import { printJson } from "../output.ts";
import { printSlots } from "./ca-rotate.ts";

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

/** `in 23 h`, `3 d ago`: how far away a moment is. */
function distance(iso: string): string {
  const ms = Date.parse(iso) - Date.now();
  const [unit, size] =
    Math.abs(ms) < 3_600_000 ? ["min", 60_000] : Math.abs(ms) < 172_800_000 ? ["h", 3_600_000] : ["d", 86_400_000];
  const count = Math.floor(Math.abs(ms) / Number(size));
  return ms < 0 ? `${count} ${unit} ago` : `in ${count} ${unit}`;
}

function printDetails(terminal: Terminal, index: number, details: CertificateDetails): void {
  const line = (name: string, value: string | undefined) => value && terminal.out(`  ${name.padEnd(12)} ${value}\n`);
  terminal.out(`certificate ${index + 1}: ${details.spiffeId ?? details.subject}\n`);
  line("kind", details.isAuthority ? "authority" : "workload");
  line("subject", details.subject);
  line("issuer", details.issuer);
  line("names", details.names.map(({ type, value }) => `${type} ${value}`).join(", "));
  line("serial", details.serial);
  line("from", `${details.notBefore} (${distance(details.notBefore)})`);
  line("until", `${details.notAfter} (${distance(details.notAfter)})`);
  line("key", details.publicKey);
  line("key usage", details.keyUsage.join(", "));
  line("fingerprint", `sha256 ${details.fingerprint}`);
  line("key id", details.subjectKeyId);
  line("signed by", details.authorityKeyId);
}

export const caInspect: Command = {
  summary:
    "Shows what the certificates of a PEM file say, or those of the authority in a folder and its roots' states.",
  usage: "FILE|DIR [-o json]",
  options: {},
  positionals: { least: 1, most: 1 },
  async run(call, terminal) {
    const [path = ""] = call.positionals;
    const folder = path !== "-" && (await stat(path).catch(() => undefined))?.isDirectory() === true;
    const slots = folder ? (await answered(() => planRotationInDirectory(path))).slots : [];
    const pem = await readText(folder ? join(path, CERTIFICATE_FILES.roots) : path);
    const details = await answered(async () => inspectCertificate(pem));
    if (call.json)
      printJson(
        terminal,
        folder ? { slots: slots.map(({ id, status }) => ({ id, status })), roots: details } : details,
      );
    else {
      printSlots(terminal, slots);
      for (const [index, one] of details.entries()) printDetails(terminal, index, one);
    }
    return 0;
  },
};
