import type { Dumped, DumpedKind } from "@fairlead/simulator";
import { stringify } from "yaml";
import { CliError } from "../cli-error.ts";
import type { Command, Terminal } from "../command.ts";
import { printJson } from "../output.ts";
import { COLUMNS } from "../proxy/columns.ts";
import { dumpOf } from "../proxy/config-dump.ts";
import { printTable } from "../proxy/table.ts";

/** Words for kinds: ours, and those that people know from elsewhere. */
const KINDS: Readonly<Record<string, DumpedKind>> = {
  bootstrap: "bootstrap",
  clusters: "clusters",
  cluster: "clusters",
  listeners: "listeners",
  listener: "listeners",
  routes: "routes",
  route: "routes",
  endpoints: "endpoints",
  endpoint: "endpoints",
  secrets: "secrets",
  secret: "secrets",
  extensions: "extensions",
  ecds: "extensions",
};

function record({ kind, name, state, version, updated, error, resource }: Dumped): object {
  return { kind, name, state, version, updated, ...(error === undefined ? {} : { error }), resource };
}

function print(terminal: Terminal, kind: DumpedKind, dumped: readonly Dumped[]): void {
  if (kind === "bootstrap") for (const { resource } of dumped) terminal.out(stringify(resource));
  else
    printTable(
      terminal,
      COLUMNS[kind].headings,
      dumped.flatMap((one) => COLUMNS[kind].rows(one)),
    );
}

export const proxyConfig: Command = {
  summary: "What a running Envoy has, from its admin address or a saved dump of it.",
  usage:
    "clusters|listeners|routes|endpoints|secrets|extensions|bootstrap|all (--admin HOST:PORT | -f DUMP.json) [--name TEXT] [-o json]",
  options: {
    file: { type: "string", short: "f", multiple: true },
    admin: { type: "string" },
    name: { type: "string" },
  },
  positionals: { least: 1, most: 1 },
  async run(call, terminal) {
    const [word = ""] = call.positionals;
    const wanted = word === "all" ? [...new Set(Object.values(KINDS))] : [KINDS[word]];
    if (wanted.includes(undefined))
      throw new CliError("usage", `${JSON.stringify(word)} is none of ${Object.keys(KINDS).join(", ")}, all`);
    const part = call.text("name") ?? "";
    const dumped = (await dumpOf(call)).dumped.filter(({ kind, name }) => wanted.includes(kind) && name.includes(part));
    if (call.json) printJson(terminal, dumped.map(record));
    else
      for (const kind of wanted) {
        const members = dumped.filter((one) => one.kind === kind);
        if (kind === undefined || (word === "all" && members.length === 0)) continue;
        if (word === "all") terminal.out(`\n${kind}\n`);
        print(terminal, kind, members);
      }
    // What was refused is a finding.
    return dumped.some(({ error }) => error !== undefined) ? 1 : 0;
  },
};
