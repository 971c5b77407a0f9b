import type { Descriptor, FieldRow } from "./descriptor-shape.d.ts";

const FIELD = /^(\w+):(\d+):([\w.]+?)(\*|\?|\{\w+\}|\|\w+)?$/;

/** Adds the packages of a table such as `overlay/istio-api.txt` (its head says how to read it). */
export function addPackages({ messages, enums }: Descriptor, table: string): void {
  let packageName = "";
  const pending: (readonly [packageName: string, message: string, fields: readonly string[]])[] = [];
  for (const line of table.split("\n")) {
    const [name = "", ...words] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (name === "") continue;
    if (name === "package") packageName = words[0] ?? "";
    else if (words[0] === "=")
      enums[`${packageName}.${name}`] = Object.fromEntries(
        words.slice(1).map((word) => {
          const [key = "", number] = word.split(":");
          return [key, Number(number)];
        }),
      );
    else {
      messages[`${packageName}.${name}`] = [];
      pending.push([packageName, `${packageName}.${name}`, words]);
    }
  }
  for (const [within, message, fields] of pending)
    messages[message] = fields
      .map((field): FieldRow => {
        const [, name = "", number, type = "", rule = ""] = FIELD.exec(field) ?? [];
        const own = `${within}.${type}`;
        const full = messages[own] || enums[own] ? own : type;
        if (name === "" || (full.includes(".") && !messages[full] && !enums[full]))
          throw new Error(`overlay: ${message} ${field}: not a field of a known type`);
        const row: [number, string, string] = [Number(number), name, full];
        const presence = messages[full] ? "" : "o";
        if (rule === "*") return [...row, "r"];
        if (rule === "?") return presence ? [...row, presence] : row;
        if (rule.startsWith("{")) return [...row, `m:${rule.slice(1, -1)}`];
        return rule.startsWith("|") ? [...row, presence, rule.slice(1)] : row;
      })
      .sort((a, b) => a[0] - b[0]);
}
