import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { selfSignedAuthority } from "../authority/self-signed.ts";
import type { CaError } from "../error.ts";
import { type FileSystem, nodeFileSystem } from "./durable-file.ts";
import { fileKeyManager } from "./file.ts";

let directory: string;
beforeEach(async () => {
  directory = join(await fs.mkdtemp(join(tmpdir(), "fairlead-keys-")), "pki");
});
afterEach(() => fs.rm(join(directory, ".."), { recursive: true, force: true }));

const failing = (code: string) => Object.assign(new Error(`${code}: injected`), { code });

/** A file system on which the nth call of anything that writes fails, or from then on all of them (a crash). */
function faulty(at: number, how: "once" | "crash"): { readonly fileSystem: FileSystem; readonly calls: () => number } {
  let calls = 0;
  const maybe = () => {
    calls++;
    if (calls === at || (how === "crash" && calls > at)) throw failing("ENOSPC");
  };
  const guard =
    <A extends unknown[], R>(run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      maybe();
      return run(...args);
    };
  const fileSystem = {
    ...nodeFileSystem,
    mkdir: guard(fs.mkdir as (...args: unknown[]) => Promise<unknown>),
    rename: guard(fs.rename),
    link: guard(fs.link),
    unlink: guard(fs.unlink),
    open: guard(async (...args: Parameters<typeof fs.open>) => {
      const handle = await fs.open(...args);
      const writeFile = handle.writeFile.bind(handle);
      const sync = handle.sync.bind(handle);
      handle.writeFile = guard(writeFile) as typeof handle.writeFile;
      handle.sync = guard(sync);
      return handle;
    }),
  } as FileSystem;
  return { fileSystem, calls: () => calls };
}

const open = (fileSystem?: FileSystem) =>
  selfSignedAuthority({
    trustDomain: "cluster.local",
    keys: fileKeyManager(directory, fileSystem ? { fileSystem } : {}),
    pollSeconds: 0,
  });

describe.each(["once", "crash"] as const)("a disk that is full or a process that dies (%s) at any call", (how) => {
  test("of the first start leaves a directory that starts", async () => {
    const probe = faulty(Number.POSITIVE_INFINITY, how);
    await (await open(probe.fileSystem)).close();
    const total = probe.calls();
    expect(total).toBeGreaterThan(10);
    for (let at = 1; at <= total; at++) {
      await fs.rm(directory, { recursive: true, force: true });
      const first = await open(faulty(at, how).fileSystem).catch((error: CaError) => error);
      if (first instanceof Error) expect((first as CaError).code, `call ${at}`).toBe("STORE_FAILED");
      else await first.close();
      const second = await open();
      expect(second.trustBundle.x509Authorities, `call ${at}`).toHaveLength(1);
      if (!(first instanceof Error)) expect(second.trustBundle).toEqual(first.trustBundle);
      await second.close();
    }
  });

  test("of a rotation keeps the present root in force or has the next", async () => {
    const before = await open();
    const root = before.trustBundle.x509Authorities[0];
    await before.close();
    const saved = await fs.mkdtemp(join(tmpdir(), "fairlead-saved-"));
    await fs.cp(directory, saved, { recursive: true, preserveTimestamps: true });
    try {
      for (let at = 1; at <= 30; at++) {
        await fs.rm(directory, { recursive: true });
        await fs.cp(saved, directory, { recursive: true });
        const authority = await open(faulty(at, how).fileSystem);
        const done = await authority.prepare().then(
          ({ id }) =>
            authority.activate(id).then(
              () => true,
              () => false,
            ),
          () => false,
        );
        await authority.close();
        const after = await open();
        expect(after.trustBundle.x509Authorities).toContain(root);
        expect(
          after.slots.filter(({ status }) => status === "active"),
          `call ${at}`,
        ).toHaveLength(1);
        if (done) expect(after.slots.map(({ status }) => status)).toEqual(["old", "active"]);
        const { id } = await after.prepare();
        await after.activate(id);
        await after.close();
      }
    } finally {
      await fs.rm(saved, { recursive: true });
    }
  });
});

test("a key id that would leave the directory is refused", async () => {
  const keys = fileKeyManager(directory);
  for (const id of ["../x", "a/b", "", "A", "a".repeat(65), "."])
    await expect(keys.generateKey(id, "ec-p256")).rejects.toMatchObject({ code: "OPTION_INVALID" });
});

test("a key is never replaced; what is deleted is gone", async () => {
  const keys = fileKeyManager(directory);
  expect(await keys.listKeys()).toEqual([]);
  expect(await keys.getKey("none")).toBeUndefined();
  const made = await keys.generateKey("one", "ec-p256");
  await expect(keys.generateKey("one", "ec-p256")).rejects.toMatchObject({ code: "KEY_INVALID" });
  expect((await keys.getKey("one"))?.publicKey).toEqual(made.publicKey);
  await keys.deleteKey("one");
  await keys.deleteKey("one");
  expect(await keys.listKeys()).toEqual([]);
});

test("half-written files of a crash are removed once they are old", async () => {
  const keys = fileKeyManager(directory);
  await keys.generateKey("one", "ec-p256");
  const [old, fresh] = [join(directory, ".tmp-0123456789abcdef"), join(directory, ".tmp-fedcba9876543210")];
  for (const path of [old, fresh]) await fs.writeFile(path, "half");
  await fs.utimes(old, new Date(0), new Date(0));
  await keys.generateKey("two", "ec-p256");
  const names = await fs.readdir(directory);
  expect(names.filter((name) => name.startsWith(".tmp-"))).toEqual([".tmp-fedcba9876543210"]);
});

test("records: only the next version is written, and few are kept", async () => {
  const { records } = fileKeyManager(directory);
  expect(await records.read("authority")).toBeUndefined();
  expect(await records.write("authority", 0, "a")).toBe(true);
  expect(await records.write("authority", 0, "b")).toBe(false);
  expect(await records.write("authority", 5, "b")).toBe(false);
  for (let version = 1; version < 10; version++)
    expect(await records.write("authority", version, `${version}`)).toBe(true);
  expect(await records.read("authority")).toEqual({ version: 10, text: "9" });
  expect((await fs.readdir(directory)).length).toBeLessThanOrEqual(5);
  const racing = await Promise.all(Array.from({ length: 10 }, (_, at) => records.write("authority", 10, `${at}`)));
  expect(racing.filter(Boolean)).toHaveLength(1);
});

test("a file system without hard links", async () => {
  const link = async () => {
    throw failing("EPERM");
  };
  const { records, generateKey, listKeys } = fileKeyManager(directory, { fileSystem: { ...nodeFileSystem, link } });
  await generateKey("one", "ec-p256");
  await expect(generateKey("one", "ec-p256")).rejects.toMatchObject({ code: "KEY_INVALID" });
  expect(await records.write("authority", 0, "a")).toBe(true);
  expect(await records.write("authority", 0, "b")).toBe(false);
  expect(await listKeys()).toEqual(["one"]);
  expect((await fs.readdir(directory)).sort()).toEqual(["authority.1.json", "one.key.pem"]);
});
