import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeClock } from "../test/support/fake-clock.ts";
import { readCertificates } from "./certificate/parse.ts";
import { initAuthority, issueToDirectory } from "./directory.ts";
import { forceInDirectory, planRotationInDirectory, rotateInDirectory } from "./directory-rotation.ts";

const id = "spiffe://cluster.local/ns/default/sa/web";
let folder: string;
const roots = async () => readCertificates(await readFile(join(folder, "root-cert.pem"), "utf8"));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fairlead-rotation-"));
  await (await initAuthority(folder, { trustDomain: "cluster.local", pollSeconds: 0 })).close();
});
afterEach(() => rm(folder, { recursive: true }));

test("a rotation goes on from call to call; what is alive is trusted all the way", async () => {
  const clock = fakeClock(Date.now());
  const hour = { maxTtlSeconds: 3600, clock };
  const planned = await planRotationInDirectory(folder);
  expect(planned.left.map(({ step }) => step)).toEqual(["prepare", "distribute", "activate", "drain", "retire"]);
  expect(planned.slots).toHaveLength(1);
  await issueToDirectory({ dir: folder, id, out: join(folder, "before") });

  const first = await rotateInDirectory(folder, hour);
  expect(first.done.map(({ step }) => step)).toEqual(["prepare"]);
  expect(first.left.map(({ step }) => step)).toEqual(["distribute", "activate", "drain", "retire"]);
  expect(first.notBefore?.getTime()).toBe(clock.now() + 3_720_000);
  expect(await roots()).toHaveLength(2);
  expect((await rotateInDirectory(folder, hour)).done).toEqual([]);

  clock.jump(3_720_000);
  const second = await rotateInDirectory(folder, hour);
  expect(second.done.map(({ step }) => step)).toEqual(["distribute", "activate"]);
  expect(second.slots.map(({ status }) => status)).toEqual(["old", "active"]);
  const leaf = new X509Certificate(await readFile(join(folder, "before", "cert-chain.pem")));
  expect((await roots()).some((root) => leaf.verify(root.x509.publicKey))).toBe(true);

  clock.jump(3_720_000);
  const last = await rotateInDirectory(folder, hour);
  expect(last.done.map(({ step }) => step)).toEqual(["drain", "retire"]);
  expect(last).toMatchObject({ left: [], notBefore: undefined });
  expect(await roots()).toHaveLength(1);
  expect((await planRotationInDirectory(folder)).slots.map(({ id: root }) => root)).toEqual([last.slots[0]?.id]);
});

test("steps by hand wait for nothing, and refuse what the root is not in the state for", async () => {
  await expect(forceInDirectory(folder, "activate", undefined)).rejects.toThrow("ROTATION_REFUSED");
  const [old] = await forceInDirectory(folder, "prepare", undefined);
  expect(await roots()).toHaveLength(2);
  await forceInDirectory(folder, "activate", undefined);
  expect(await forceInDirectory(folder, "taint", old?.id)).toContainEqual(
    expect.objectContaining({ id: old?.id, status: "old", tainted: true }),
  );
  expect(await forceInDirectory(folder, "revoke", old?.id)).toHaveLength(1);
  const left = await roots();
  expect(left.map(({ subjectKeyId }) => subjectKeyId)).not.toContain(old?.id);
  const active = left[0]?.subjectKeyId;
  await expect(forceInDirectory(folder, "revoke", active)).rejects.toThrow("ROTATION_REFUSED");
});
