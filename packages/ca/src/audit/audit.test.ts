import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identity } from "../../test/support/requests.ts";
import { selfSignedAuthority } from "../authority/self-signed.ts";
import { createCsr } from "../csr/create.ts";
import { newPrivateKey } from "../keys/algorithm.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import { auditFile } from "./audit-file.ts";
import { AUDIT_START, type AuditHead, chainEntry, verifyAuditChain } from "./chain.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-audit-"));
  path = join(folder, "audit.jsonl");
});
afterEach(() => rm(folder, { recursive: true }));

const records = Array.from({ length: 8 }, (_, time) => ({ time, outcome: "issued" as const, serial: `a${time}` }));
function chain(key?: Uint8Array): string[] {
  let head: AuditHead = AUDIT_START;
  return records.map((record) => {
    const entry = chainEntry(head, record, key);
    head = entry;
    return JSON.stringify(entry);
  });
}
const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join("");

test("who asked, how they were authenticated, what they got: bound together, continued after a restart", async () => {
  const keys = memoryKeyManager();
  const issue = async () => {
    const file = await auditFile(path);
    await using authority = await selfSignedAuthority({
      ...{ trustDomain: "cluster.local", keys, audit: file.sink, pollSeconds: 0 },
    });
    const caller = { authenticator: "join-token", identity: identity.uri };
    await authority.issue({ csr: createCsr({ key: newPrivateKey("ec-p256") }), identity, caller });
    await authority.issue({ csr: "nothing", identity, caller }).catch(() => undefined);
    await file.close();
    return file.head;
  };
  const kept = await issue();
  const last = await issue();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const { entries, head } = verifyAuditChain(await readFile(path, "utf8"), { head: kept });
  expect(head).toEqual(last);
  expect(entries.map(({ sequence, record: { outcome, code } }) => [sequence, outcome, code])).toEqual([
    [1, "issued", undefined],
    [2, "refused", "CSR_MALFORMED"],
    [3, "issued", undefined],
    [4, "refused", "CSR_MALFORMED"],
  ]);
  expect(entries[0]?.record).toMatchObject({
    caller: { authenticator: "join-token", identity: identity.uri },
    identity: identity.uri,
    serial: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
});

test("one bit anywhere, a line out, in or moved: seen, with its line", () => {
  const lines = chain();
  expect(verifyAuditChain(text(lines)).head.sequence).toBe(8);
  const bytes = Buffer.from(text(lines));
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 6 }), (at, bit) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      expect(() => verifyAuditChain(changed.toString("latin1"))).toThrow("STORE_INVALID");
    }),
  );
  expect(() => verifyAuditChain(text(lines.toSpliced(3, 1)))).toThrow("line 4");
  expect(() => verifyAuditChain(text(lines.toSpliced(3, 0, lines[3] ?? "")))).toThrow("line 5");
  expect(() => verifyAuditChain(text([lines[1] ?? "", lines[0] ?? ""]))).toThrow("line 1");
  expect(() => verifyAuditChain(text(lines.map((line) => line.replace(/^\{/, '{"x":1,'))))).toThrow("line 1");
});

test("what was cut off the end, or written anew, is seen by a head that was kept; a new chain needs the key", () => {
  const lines = chain();
  const { head } = verifyAuditChain(text(lines));
  expect(() => verifyAuditChain(text(lines.slice(0, 5)), { head })).toThrow("ends before entry 8");
  const key = Buffer.from("a key that is kept elsewhere");
  expect(() => verifyAuditChain(text(lines), { key })).toThrow("line 1: it was changed");
  const keyed = chain(key);
  expect(() => verifyAuditChain(text(keyed), { head, key })).toThrow("line 8");
  expect(verifyAuditChain(text(keyed), { key }).entries).toHaveLength(8);
});

test("a crash in the middle of a line is mended, a changed file is not continued", async () => {
  await writeFile(path, text(chain()));
  await appendFile(path, '{"sequence":9,"prev');
  const problems: string[] = [];
  const file = await auditFile(path, { onProblem: ({ message }) => problems.push(message) });
  file.sink({ time: 9, outcome: "refused" });
  await file.close();
  expect(problems).toEqual([expect.stringContaining("not whole")]);
  const whole = await readFile(path, "utf8");
  expect(verifyAuditChain(whole).head.sequence).toBe(9);
  await writeFile(path, whole.replace('"serial":"a3"', '"serial":"a4"'));
  await expect(auditFile(path)).rejects.toThrow("line 4: it was changed");
  await expect(auditFile(join(folder, "no", "file"))).rejects.toMatchObject({ code: "STORE_FAILED" });
});

test("ten thousand at once are all there, in order", async () => {
  const file = await auditFile(path);
  for (let time = 0; time < 10_000; time++) file.sink({ time, outcome: "issued" });
  await file.close();
  const { entries } = verifyAuditChain(await readFile(path, "utf8"), { head: file.head });
  expect(entries.every(({ record }, index) => record.time === index)).toBe(true);
  expect(entries).toHaveLength(10_000);
});
