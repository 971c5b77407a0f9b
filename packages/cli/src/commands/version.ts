import { readFileSync } from "node:fs";
import type { Command } from "../command.ts";
import { printJson } from "../output.ts";
import { askHttp } from "../proxy/http.ts";

export const version: Command = {
  summary: "The version of this command and, with an Envoy's admin address, of that.",
  usage: "[--admin HOST:PORT] [-o json]",
  options: { admin: { type: "string" } },
  async run(call, terminal) {
    const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    const admin = call.text("admin");
    const envoy =
      admin === undefined
        ? undefined
        : (JSON.parse(await askHttp(admin, "/server_info")) as { readonly version?: string }).version;
    const found = {
      fairlead: manifest.version,
      node: process.versions.node,
      ...(envoy === undefined ? {} : { envoy }),
    };
    if (call.json) printJson(terminal, found);
    else for (const [name, value] of Object.entries(found)) terminal.out(`${name} ${value}\n`);
    return 0;
  },
};
