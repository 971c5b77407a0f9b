import { rename, rm, writeFile } from "node:fs/promises";
import { expect, it, vi } from "vitest";
import { begin, fairlead, folderOf } from "../test/captured.ts";

const GOOD = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a, namespace: shop}
spec:
  hosts: [a.example.com]
  http: [{route: [{destination: {host: a.example.com}}]}]
`;
const BAD = GOOD.replace("http:", "htttp:");
const PATIENCE = { timeout: 10_000 };

it.each(["validate", "analyze"])(
  "%s answers again when a file was written or replaced, until it is stopped",
  async (command) => {
    await using folder = await folderOf({ "a.yaml": GOOD, "inner/b.yaml": "" });
    const running = begin(command, "-f", folder.at(), "--watch");
    await vi.waitFor(() => expect(running.out()).toContain("watching for changes"), PATIENCE);
    expect(running.out()).not.toContain("────");
    await writeFile(folder.at("inner", "b.yaml"), BAD.replace("name: a", "name: b"));
    await vi.waitFor(
      () => expect(running.out()).toContain(`──── ${folder.at("inner", "b.yaml")} changed ────`),
      PATIENCE,
    );
    await vi.waitFor(() => expect(running.out()).toMatch(/htttp[\s\S]*in 2 files|findings in 2 documents/), PATIENCE);
    await writeFile(folder.at("next"), GOOD.replace("name: a", "name: c"));
    await rename(folder.at("next"), folder.at("c.yaml"));
    await vi.waitFor(() => expect(running.out()).toContain(`──── ${folder.at("c.yaml")} changed ────`), PATIENCE);
    await rm(folder.at("inner", "b.yaml"));
    await vi.waitFor(() => expect(running.out()).toContain("(removed) changed"), PATIENCE);
    running.stop();
    const { err } = await running.result;
    expect(err).toBe("");
  },
);

it("the exit code is that of the last answer; a file that is gone for a moment ends nothing", async () => {
  await using folder = await folderOf({ "a.yaml": GOOD });
  const file = folder.at("a.yaml");
  const running = begin("validate", "-f", file, "--watch");
  await vi.waitFor(() => expect(running.out()).toContain("watching for changes"), PATIENCE);
  await rm(file);
  await vi.waitFor(() => expect(running.err()).toContain("cannot be read"), PATIENCE);
  await writeFile(file, BAD);
  await vi.waitFor(() => expect(running.out()).toContain("1 invalid"), PATIENCE);
  running.stop();
  expect((await running.result).code).toBe(1);
});

it("a touch that changes no text gives no answer", async () => {
  await using folder = await folderOf({ "a.yaml": GOOD });
  const running = begin("validate", "-f", folder.at("a.yaml"), "--watch");
  await vi.waitFor(() => expect(running.out()).toContain("watching for changes"), PATIENCE);
  const before = running.out();
  await writeFile(folder.at("a.yaml"), GOOD);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(running.out()).toBe(before);
  running.stop();
  expect((await running.result).code).toBe(0);
});

it.each([
  ["validate", "-f", "x.yaml", "--watch", "-o", "json"],
  ["analyze", "-f", "x.yaml", "--watch", "-o", "json"],
])("%s: one JSON value and watching exclude each other", async (...words) => {
  const { code, out, err } = await fairlead(...words);
  expect(code).toBe(2);
  expect(JSON.parse(out)).toEqual({ error: { code: "usage", message: expect.stringContaining("--watch") } });
  expect(err).toContain("usage: fairlead");
});

it.each(["validate", "analyze"])("%s: standard input is not watched", async (command) => {
  const { code, err } = await fairlead(command, "-f", "-", "--watch");
  expect(code).toBe(2);
  expect(err).toContain("standard input");
});
