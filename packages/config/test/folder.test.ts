import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { destinationRule, printYaml } from "../src/index.ts";
import { type DirectoryStore, directoryStore } from "../src/stores/directory.ts";

const places = ["a.yaml", "b.yaml", "sub/a.yaml", "sub/deep/c.yml", ".hidden/d.yaml", "notes.txt", ".e.yaml.tmp"];
const place = fc.constantFrom(...places);
const folder = fc.constantFrom("sub", "sub/deep", ".hidden", "other");

/** What somebody does in a folder; what cannot be done is not. */
const action = fc.oneof(
  fc.record({ does: fc.constant("write" as const), at: place, host: fc.nat(9) }),
  fc.record({ does: fc.constant("replace" as const), at: place, host: fc.nat(9) }),
  fc.record({ does: fc.constant("move" as const), from: place, to: place }),
  fc.record({ does: fc.constant("moveFolder" as const), from: folder, to: folder }),
  fc.record({ does: fc.constant("remove" as const), at: fc.oneof(place, folder) }),
  fc.record({ does: fc.constant("link" as const), from: place, at: fc.constantFrom("link.yaml", "sub/link.yaml") }),
  fc.record({ does: fc.constant("wait" as const) }),
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

async function perform(root: string, action: Action): Promise<void> {
  const at = (path: string) => join(root, path);
  const text = (path: string, host: number) =>
    printYaml(destinationRule(path.replaceAll(/\W/g, "-").replace(/^-/, "x"), { host: `h${host}.com` }));
  switch (action.does) {
    case "write":
      await mkdir(dirname(at(action.at)), { recursive: true });
      return writeFile(at(action.at), text(action.at, action.host));
    case "replace":
      await mkdir(dirname(at(action.at)), { recursive: true });
      await writeFile(at(".new"), text(action.at, action.host));
      return rename(at(".new"), at(action.at));
    case "move":
      return rename(at(action.from), at(action.to));
    case "moveFolder":
      return rename(at(action.from), at(action.to));
    case "remove":
      return rm(at(action.at), { recursive: true, force: true });
    case "link":
      return symlink(at(action.from), at(action.at));
    case "wait":
      return new Promise((resolve) => setTimeout(resolve, 8));
  }
}

const contents = (store: DirectoryStore) =>
  [...store.keys()].sort().map((key) => `${key} ${JSON.stringify(store.get(key)?.spec)}`);

it("a watched folder ends up as a fresh reading has it, whatever was done to it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(action, { maxLength: 6 }), { minLength: 1, maxLength: 3 }), async (rounds) => {
      const root = await mkdtemp(join(tmpdir(), "fairlead-folder-"));
      await using store = directoryStore(root, { debounce: 2 });
      await store.ready;
      for (const actions of rounds) {
        for (const one of actions) await perform(root, one).catch(() => undefined);
        await using fresh = directoryStore(root, { watch: false });
        await fresh.ready;
        await expect.poll(() => contents(store), { timeout: 5000, interval: 5 }).toEqual(contents(fresh));
      }
      await rm(root, { recursive: true });
    }),
    { numRuns: 60 },
  );
});
