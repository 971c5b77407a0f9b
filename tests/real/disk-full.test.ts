import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { hasTool } from "../support/tool.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const mounts =
  process.getuid?.() === 0 && (await hasTool("unshare", ["--mount", "true"], "a file system that is really full"));

/** Rotates on a disk of so many pages until that is full, then on one that is not. Prints what came of it. */
const PROGRAM = `
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
const [directory, root] = process.argv.slice(1);
const { createCsr, fileKeyManager, newPrivateKey, selfSignedAuthority } = await import(join(root, "packages/ca/src/index.ts"));
const { workloadSpiffeId } = await import(join(root, "packages/model/src/index.ts"));
const identity = workloadSpiffeId("cluster.local", "default", "web");
const mount = (...words) => execFileSync("mount", [...words, directory]);
const open = () => selfSignedAuthority({ trustDomain: "cluster.local", keys: fileKeyManager(directory), pollSeconds: 0 });
const rotate = async (authority) => {
  const { id } = await authority.prepare();
  await authority.activate(id);
  for (const { id: old } of authority.slots.filter(({ status }) => status === "old")) await authority.retire(old, { force: true });
};
const outcomes = [];
for (let pages = 1; pages <= 10; pages++) {
  mount("-t", "tmpfs", "-o", "size=" + 4096 * pages, "tmpfs");
  let before;
  let failure;
  try {
    const authority = await open();
    before = authority.trustBundle.x509Authorities;
    for (let round = 0; round < 6; round++) {
      await rotate(authority);
      before = authority.trustBundle.x509Authorities;
    }
    await authority.close();
  } catch (error) {
    failure = error.code;
  }
  // Whoever sits beside the full disk starts, if there ever was a root, with the one that was in force.
  let full;
  try {
    const beside = await open();
    full = beside.trustBundle.x509Authorities.some((pem) => before?.includes(pem) ?? true);
    await beside.issue({ csr: createCsr({ key: newPrivateKey("ec-p256"), identity }), identity });
    await beside.close();
  } catch (error) {
    full = before === undefined ? error.code : "lost: " + error.message;
  }
  mount("-o", "remount,size=1m");
  const after = await open();
  await rotate(after);
  const { certificateChain } = await after.issue({ csr: createCsr({ key: newPrivateKey("ec-p256"), identity }), identity });
  const active = after.slots.filter(({ status }) => status === "active").length;
  const keys = readdirSync(directory).filter((name) => name.endsWith(".key.pem")).length;
  await after.close();
  outcomes.push({ pages, failure, full, issued: certificateChain.length, active, keys });
  execFileSync("umount", [directory]);
}
console.log(JSON.stringify(outcomes));
`;

it.skipIf(!mounts)(
  "a disk that is really full, at whatever point, leaves a directory that starts and goes on",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "full-"));
    try {
      const { stdout } = await run(
        "unshare",
        ["--mount", process.execPath, "--input-type=module-typescript", "-e", PROGRAM, directory, root],
        { timeout: 120_000, cwd: root },
      );
      const outcomes = JSON.parse(stdout) as readonly {
        readonly pages: number;
        readonly failure?: string;
        readonly full: boolean | string;
        readonly issued: number;
        readonly active: number;
        readonly keys: number;
      }[];
      expect(outcomes.some(({ failure }) => failure !== undefined)).toBe(true);
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ issued: 1, active: 1, keys: 1 });
        expect([undefined, "STORE_FAILED"]).toContain(outcome.failure);
        expect([true, "STORE_FAILED"]).toContain(outcome.full);
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);
