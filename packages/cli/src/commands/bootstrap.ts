import { formatObject } from "@fairlead/model";
import { type BootstrapOptions, proxyStart } from "@fairlead/xds/translate";
import { stringify } from "yaml";
import { CliError } from "../cli-error.ts";
import { type Command, MESH_OPTIONS } from "../command.ts";
import { meshOf, readMesh, readSettings } from "../mesh-input.ts";
import { printJson } from "../output.ts";
import { readNode } from "./node.ts";

export const bootstrap: Command = {
  summary: "Prints the bootstrap of an Envoy (YAML), with what a mesh says of its start.",
  usage:
    "--node node.json [-f FILE|FOLDER …] [--mesh-config FILE] [--ads HOST:PORT|unix:PATH] [--insecure] [--sds PATH] [--admin HOST:PORT] [--mode delta|sotw] [-o json]",
  options: {
    ...MESH_OPTIONS,
    node: { type: "string" },
    ads: { type: "string" },
    insecure: { type: "boolean" },
    sds: { type: "string" },
    admin: { type: "string" },
    mode: { type: "string" },
  },
  required: ["node"],
  async run(call, terminal) {
    const { json, node } = await readNode(call.text("node") ?? "");
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
    const options: BootstrapOptions = {
      ...(ads === undefined ? {} : { ads }),
      ...(mode === undefined ? {} : { mode }),
      ...(call.values.insecure ? { adsSecurity: "plaintext" as const } : {}),
      ...(sdsPath === undefined ? {} : { sdsPath }),
      ...(admin === undefined ? {} : { admin }),
    };
    const { mesh } =
      call.files.length > 0
        ? await readMesh(call, call.files, "declared")
        : meshOf([], await readSettings(call), "declared");
    const start = proxyStart(mesh, node, json, options);
    for (const { path, message, object } of start.diagnostics)
      terminal.err(`${object ? `${formatObject(object)} ` : ""}${path}: ${message}\n`);
    if (start.concurrency !== undefined) terminal.err(`start it with --concurrency ${start.concurrency}\n`);
    for (const [name, value] of Object.entries(start.environment))
      terminal.err(`in its environment: ${name}=${value}\n`);
    if (start.image) terminal.err(`image: ${start.image}\n`);
    const made = start.bootstrap;
    if (call.json) printJson(terminal, made);
    else terminal.out(stringify(made, { aliasDuplicateObjects: false }));
    return 0;
  },
};
