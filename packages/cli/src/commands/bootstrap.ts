import { bootstrap as makeBootstrap } from "@fairlead/xds/translate";
import { stringify } from "yaml";
import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { printJson } from "../output.ts";
import { readNode } from "./node.ts";

export const bootstrap: Command = {
  summary: "Prints the bootstrap of an Envoy (YAML).",
  usage:
    "--node node.json [--ads HOST:PORT|unix:PATH] [--insecure] [--sds PATH] [--admin HOST:PORT] [--mode delta|sotw] [-o json]",
  options: {
    node: { type: "string" },
    ads: { type: "string" },
    insecure: { type: "boolean" },
    sds: { type: "string" },
    admin: { type: "string" },
    mode: { type: "string" },
  },
  required: ["node"],
  async run(call, terminal) {
    const { json } = await readNode(call.text("node") ?? "");
    const mode = call.text("mode");
    if (mode !== undefined && mode !== "delta" && mode !== "sotw")
      throw new CliError("usage", `--mode takes delta or sotw, not ${JSON.stringify(mode)}`);
    const [ads, sdsPath, admin] = [call.text("ads"), call.text("sds"), call.text("admin")];
    for (const [option, address] of [
      ["--ads", ads],
      ["--admin", admin],
    ] as const)
      if (address !== undefined && !/^unix:.+|:\d+$/.test(address))
        throw new CliError("usage", `${option} takes HOST:PORT or unix:PATH, not ${JSON.stringify(address)}`);
    const made = makeBootstrap(json, {
      ...(ads === undefined ? {} : { ads }),
      ...(mode === undefined ? {} : { mode }),
      ...(call.values.insecure ? { adsSecurity: "plaintext" as const } : {}),
      ...(sdsPath === undefined ? {} : { sdsPath }),
      ...(admin === undefined ? {} : { admin }),
    });
    if (call.json) printJson(terminal, made);
    else terminal.out(stringify(made, { aliasDuplicateObjects: false }));
    return 0;
  },
};
