import { CliError } from "../cli-error.ts";
import type { Command } from "../command.ts";
import { printJson } from "../output.ts";
import { askHttp } from "../proxy/http.ts";
import { printTable } from "../proxy/table.ts";

const LEVELS = ["trace", "debug", "info", "warning", "error", "critical", "off"];

export const proxyLog: Command = {
  summary: "What a running Envoy logs, and how much of it from now on.",
  usage: "--admin HOST:PORT [LEVEL | LOGGER=LEVEL …] [-o json]",
  options: { admin: { type: "string" } },
  required: ["admin"],
  positionals: { least: 0, most: Number.POSITIVE_INFINITY },
  async run(call, terminal) {
    const queries = call.positionals.map((setting) => {
      const [logger, level] = setting.includes("=") ? setting.split("=", 2) : ["level", setting];
      if (!LEVELS.includes(level ?? ""))
        throw new CliError("usage", `${JSON.stringify(setting)}: a level is ${LEVELS.join(", ")}`);
      return `?${encodeURIComponent(logger ?? "")}=${level}`;
    });
    let answer = "";
    for (const query of queries.length > 0 ? queries : [""])
      answer = await askHttp(call.text("admin") ?? "", `/logging${query}`, { method: "POST" });
    const loggers = [...answer.matchAll(/^\s+([^\s:]+): (\w+)$/gm)].map(([, name = "", level = ""]) => ({
      name,
      level,
    }));
    if (call.json) printJson(terminal, loggers);
    else
      printTable(
        terminal,
        ["LOGGER", "LEVEL"],
        loggers.map(({ name, level }) => [name, level]),
      );
    return 0;
  },
};
