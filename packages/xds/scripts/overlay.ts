import type { Descriptor, FieldRow } from "./descriptor-shape.d.ts";

/**
 * Adds what is newer than the shipped files, from the table `overlay/newer.txt` (its head says how to read it).
 * Where the two differ, the table wins.
 */
export function addOverlay({ messages, enums }: Descriptor, table: string): void {
  const lines = table.split("\n").flatMap((line) => {
    const words = line.replace(/#.*/, "").trim().split(/\s+/).filter(Boolean);
    return words.length > 0 ? [words] : [];
  });
  for (const [name = "", equals, ...values] of lines) {
    if (equals === undefined) messages[name] ??= [];
    if (equals !== "=") continue;
    enums[name] ??= {};
    for (const value of values) {
      const [key = "", number] = value.split(":");
      enums[name][key] = Number(number);
    }
  }
  const row = (id: number, name: string, type: string, rule: string): FieldRow => {
    const message = messages[type] !== undefined;
    if (rule === "repeated") return [id, name, type, "r"];
    if (rule.startsWith("map:")) return [id, name, type, `m:${rule.slice(4)}`];
    if (rule.startsWith("oneof:")) return [id, name, type, message ? "" : "o", rule.slice(6)];
    if (rule !== "" && rule !== "optional") throw new Error(`overlay: unknown rule ${rule}`);
    return rule === "optional" && !message ? [id, name, type, "o"] : [id, name, type];
  };
  for (const [message = "", name = "", number, type = "", rule = ""] of lines) {
    if (number === undefined || name === "=") continue;
    const id = Number(number);
    const fields = messages[message];
    if (!fields) throw new Error(`overlay: no message ${message}`);
    messages[message] = [
      ...fields.filter((field) => field[0] !== id && field[1] !== name),
      row(id, name, type, rule),
    ].sort((a, b) => a[0] - b[0]);
  }
}
