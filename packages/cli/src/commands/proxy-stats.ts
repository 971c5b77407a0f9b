import type { Command } from "../command.ts";
import { printJson } from "../output.ts";
import { askHttp, parseJson } from "../proxy/http.ts";
import { items } from "../proxy/json.ts";
import { printTable } from "../proxy/table.ts";

export const proxyStats: Command = {
  summary: "Counters and gauges of a running Envoy, those that are not zero.",
  usage: "--admin HOST:PORT [--name REGEX] [-o json]",
  options: { admin: { type: "string" }, name: { type: "string" } },
  required: ["admin"],
  async run(call, terminal) {
    const admin = call.text("admin") ?? "";
    const filter = call.text("name");
    const query = filter === undefined ? "" : `&filter=${encodeURIComponent(filter)}`;
    const answer = parseJson(await askHttp(admin, `/stats?format=json&usedonly${query}`), admin);
    const stats = items((answer as { readonly stats?: unknown }).stats)
      .filter(({ value }) => typeof value === "number" && value !== 0)
      .map(({ name, value }) => ({ name: String(name), value: Number(value) }));
    if (call.json) printJson(terminal, stats);
    else
      printTable(
        terminal,
        ["NAME", "VALUE"],
        stats.map(({ name, value }) => [name, String(value)]),
      );
    return 0;
  },
};
