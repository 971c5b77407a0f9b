import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
/** Inside the workspace, so that the programs find the packages as a user's would. */
const folder = join(root, ".cache/readme");

const pages = [
  join(root, "README.md"),
  ...readdirSync(join(root, "packages")).map((name) => join(root, "packages", name, "README.md")),
];

/** Every `ts` fence of a page is a program of its own. */
const programs = pages.flatMap((page) =>
  [...readFileSync(page, "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match, index) => ({
    name: `${relative(root, page)} ${index + 1}`,
    text: match[1] ?? "",
  })),
);

describe.concurrent("programs of the READMEs", () => {
  mkdirSync(folder, { recursive: true });
  it.each(programs)("$name runs", { timeout: 60_000 }, async ({ name, text }) => {
    const file = join(folder, `${name.replaceAll(/[^a-z0-9]+/gi, "-")}.ts`);
    writeFileSync(file, text);
    const { stderr } = await run(process.execPath, [file], { cwd: root, timeout: 50_000 });
    expect(stderr).not.toMatch(/error/i);
  });
});

it("every package has a README with a program", () => {
  const without = pages.filter((page) => !readFileSync(page, "utf8").includes("```ts\n"));
  expect(without.map((page) => relative(root, page))).toEqual([]);
});
