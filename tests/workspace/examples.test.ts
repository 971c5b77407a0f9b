import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const folder = join(import.meta.dirname, "../../examples");
const examples = readdirSync(folder).filter((name) => name.endsWith(".ts"));

describe.concurrent("examples", () => {
  it.each(examples)("%s runs by itself", { timeout: 60_000 }, async (name) => {
    const file = join(folder, name);
    const command = name.endsWith(".test.ts") ? ["--test", file] : [file];
    const { stdout } = await run(process.execPath, command, { cwd: folder, timeout: 50_000 });
    expect(stdout).not.toBe("");
  });

  it.each(examples)("%s is under 60 lines and imports published entry points only", (name) => {
    const text = readFileSync(join(folder, name), "utf8");
    expect(text.split("\n").length).toBeLessThanOrEqual(60);
    const imports = [...text.matchAll(/from "([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(imports.filter((specifier) => specifier.startsWith("."))).toEqual([]);
  });
});
