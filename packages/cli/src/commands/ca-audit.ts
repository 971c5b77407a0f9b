import { verifyAuditChain } from "@fairlead/ca";
import { answered } from "../answered.ts";
import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { readText } from "../input.ts";
import { printJson } from "../output.ts";

export const caAudit: Command = {
  summary: "Verifies the chain of an audit file and shows its entries: who got which certificate, and who was refused.",
  usage: "FILE [--identity SPIFFE_ID] [--serial HEX] [--head SEQUENCE:HASH] [--key FILE] [-o json]",
  options: {
    identity: { type: "string" },
    serial: { type: "string" },
    head: { type: "string" },
    key: { type: "string" },
  },
  positionals: { least: 1, most: 1 },
  async run(call, terminal) {
    const kept = call.text("head");
    const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(kept ?? "") ?? [];
    if (kept !== undefined && (sequence === undefined || hash === undefined))
      throw new CliError("usage", `--head takes SEQUENCE:HASH, not ${JSON.stringify(kept)}`);
    const keyFile = call.text("key");
    const key = keyFile === undefined ? undefined : Buffer.from((await readText(keyFile)).trim());
    const text = await readText(call.positionals[0] ?? "");
    const { entries, head } = await answered(async () =>
      verifyAuditChain(text, {
        ...(key ? { key } : {}),
        ...(hash === undefined ? {} : { head: { sequence: Number(sequence), hash } }),
      }),
    );
    const [identity, serial] = [call.text("identity"), call.text("serial")?.toLowerCase()];
    const found = entries.filter(
      ({ record }) =>
        (identity === undefined || record.identity === identity || record.caller?.identity === identity) &&
        (serial === undefined || record.serial === serial),
    );
    if (call.json) printJson(terminal, { verified: true, head, entries: found.map(({ record }) => record) });
    else {
      for (const { sequence: at, record } of found) {
        const { time, outcome, identity: whom = "-", caller, code, message, serial: number, notAfter } = record;
        const by = caller ? ` by ${caller.authenticator}${caller.identity === whom ? "" : ` ${caller.identity}`}` : "";
        const what =
          outcome === "issued"
            ? `${number} until ${new Date(notAfter ?? 0).toISOString()}`
            : outcome === "changed"
              ? message
              : code;
        terminal.out(
          `${String(at).padStart(6)}  ${new Date(time).toISOString()}  ${outcome.padEnd(7)}  ${whom}${by}  ${what}\n`,
        );
      }
      terminal.out(`${entries.length} entries hold; the last is ${head.sequence}:${head.hash}\n`);
    }
    return 0;
  },
};
