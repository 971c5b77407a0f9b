import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { watchFolders } from "./watch.ts";

it("looks at intervals where the system cannot watch", async () => {
  const changed = vi.fn();
  const watcher = watchFolders(changed, 10);
  expect(watcher.setFolders(new Set([join(tmpdir(), "fairlead-no-such-folder")]))).toBe(false);
  await vi.waitFor(() => expect(changed.mock.calls.length).toBeGreaterThan(2), 5000);
  watcher.close();
  const calls = changed.mock.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(changed.mock.calls.length).toBe(calls);
});

it("tells of new folders, and watches only those it was told of last", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fairlead-watch-"));
  const changed = vi.fn();
  const watcher = watchFolders(changed, 60_000);
  expect(watcher.setFolders(new Set([folder]))).toBe(true);
  expect(watcher.setFolders(new Set([folder]))).toBe(false);
  await writeFile(join(folder, "a"), "a");
  await vi.waitFor(() => expect(changed).toHaveBeenCalled(), 5000);
  watcher.setFolders(new Set());
  await new Promise((resolve) => setTimeout(resolve, 50));
  changed.mockClear();
  await writeFile(join(folder, "b"), "b");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(changed).not.toHaveBeenCalled();
  watcher.close();
  await rm(folder, { recursive: true });
});
