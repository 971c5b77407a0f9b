import { openAuthority } from "@fairlead/ca";
import { answered } from "../answered.ts";
import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { printJson } from "../output.ts";
import { AUTHORITY_OPTIONS, AUTHORITY_USAGE, atAuthority } from "../remote-authority.ts";

export const caRevoke: Command = {
  summary: "Revokes a certificate by its serial number: servers of the authority refuse it, and its CRLs name it.",
  usage: `${AUTHORITY_USAGE} --serial HEX [-o json]`,
  options: { ...AUTHORITY_OPTIONS, serial: { type: "string" } },
  required: ["serial"],
  async run(call, terminal) {
    const serial = (call.text("serial") ?? "").toLowerCase().replaceAll(":", "");
    if (!/^([0-9a-f]{2})+$/.test(serial)) throw new CliError("usage", "--serial takes a serial number in hex");
    await answered(() =>
      atAuthority(call, {
        async folder(dir) {
          await using authority = await openAuthority(dir, { pollSeconds: 0 });
          await authority.revoke(serial);
        },
        remote: async (client) => void (await client.revoke(serial)),
      }),
    );
    if (call.json) printJson(terminal, { revoked: serial });
    else terminal.out(`${serial} is revoked\n`);
    return 0;
  },
};

export const caCrl: Command = {
  summary: "Prints the CRLs of an authority's signing certificates, PEM, good for a day.",
  usage: `${AUTHORITY_USAGE} [-o json]`,
  options: AUTHORITY_OPTIONS,
  async run(call, terminal) {
    const lists = await answered(() =>
      atAuthority(call, {
        async folder(dir) {
          await using authority = await openAuthority(dir, { pollSeconds: 0 });
          return authority.revocationLists();
        },
        remote: (client) => client.revocationLists(),
      }),
    );
    if (call.json) printJson(terminal, { pem: lists });
    else terminal.out(lists);
    return 0;
  },
};
