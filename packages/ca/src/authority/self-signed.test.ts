// Restarts, keys that do not hold, policies and root steps: longer than a concept, because it is a table.
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { fakeClock } from "../../test/support/fake-clock.ts";
import { csrPem, identity } from "../../test/support/requests.ts";
import { inspectCertificate } from "../certificate/inspect.ts";
import type { CaError } from "../error.ts";
import { fileKeyManager } from "../keys/file.ts";
import { memoryKeyManager } from "../keys/memory.ts";
import type { KeyManager } from "../keys/signer.ts";
import { webCryptoKeyManager } from "../keys/web-crypto.ts";
import { verifyX509Svid } from "../trust/svid.ts";
import type { AuditRecord } from "./audit.ts";
import { type SelfSignedAuthority, type SelfSignedOptions, selfSignedAuthority } from "./self-signed.ts";

const trustDomain = "cluster.local";
const folders: string[] = [];
const open: SelfSignedAuthority[] = [];
const folder = async () => {
  const made = await mkdtemp(join(tmpdir(), "fairlead-ca-"));
  folders.push(made);
  return join(made, "pki");
};
const start = async (options: Partial<SelfSignedOptions> & { keys: KeyManager }) => {
  const authority = await selfSignedAuthority({ trustDomain, pollSeconds: 0, ...options });
  open.push(authority);
  return authority;
};
afterEach(async () => {
  for (const authority of open.splice(0)) await authority.close();
  for (const made of folders.splice(0)) await rm(made, { recursive: true, force: true });
});
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "done",
    (error: CaError) => error.code,
  );
const trusts = (authority: SelfSignedAuthority, chain: readonly string[], at: number) =>
  verifyX509Svid(chain.join(""), { at, bundle: () => authority.trustBundle }).id.uri;

test("the root survives a restart, and certificates of before stay good", async () => {
  const directory = await folder();
  const first = await start({ keys: fileKeyManager(directory) });
  const before = await first.issue({ csr: csrPem(), identity });
  await first.close();
  const second = await start({ keys: fileKeyManager(directory) });
  expect(second.trustBundle.x509Authorities).toEqual(first.trustBundle.x509Authorities);
  expect(trusts(second, before.certificateChain, Date.now())).toBe(identity.uri);
  expect((await second.issue({ csr: csrPem(), identity })).authorityId).toBe(before.authorityId);
  expect(await codeOf(first.issue({ csr: csrPem(), identity }))).toBe("CA_CLOSED");
});

test("key files are 0600 in a directory that is 0700", async () => {
  const directory = await folder();
  await start({ keys: fileKeyManager(directory) });
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  for (const name of await readdir(directory))
    expect((await stat(join(directory, name))).mode & 0o777, name).toBe(0o600);
});

test("a certificate holds the caller's identity and the profile, and starts two minutes ago", async () => {
  const clock = fakeClock();
  const authority = await start({ keys: memoryKeyManager(), clock });
  clock.jump(3_600_000);
  const { certificateChain, roots, notBefore, notAfter, serial } = await authority.issue({ csr: csrPem(), identity });
  const [leaf] = inspectCertificate(certificateChain.join(""));
  expect(leaf).toMatchObject({
    subject: "",
    spiffeId: identity.uri,
    names: [{ type: "uri", value: identity.uri }],
    isAuthority: false,
    keyUsage: ["digitalSignature", "keyEncipherment"],
    extendedKeyUsage: ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"],
    serial,
  });
  expect(serial).toHaveLength(32);
  expect([notBefore.getTime(), notAfter.getTime()]).toEqual([clock.now() - 120_000, clock.now() + 86_400_000]);
  expect(inspectCertificate(roots.join(""))[0]).toMatchObject({
    isAuthority: true,
    spiffeId: "spiffe://cluster.local",
  });
});

test("names that the caller of the library vouches for", async () => {
  const authority = await start({ keys: memoryKeyManager() });
  const { certificateChain } = await authority.issue({
    csr: csrPem(),
    identity,
    dnsNames: ["istiod.istio-system.svc"],
    ipAddresses: ["127.0.0.1", "0:0:0:0:0:0:0:1"],
  });
  expect(inspectCertificate(certificateChain.join(""))[0]?.names.map(({ value }) => value)).toEqual([
    identity.uri,
    "istiod.istio-system.svc",
    "127.0.0.1",
    "::1",
  ]);
  for (const bad of [{ dnsNames: ["a b"] }, { dnsNames: ["a\0.b"] }, { ipAddresses: ["1.2.3"] }])
    expect(await codeOf(authority.issue({ csr: csrPem(), identity, ...bad }))).toBe("OPTION_INVALID");
});

describe("keys and records that do not hold are refused and left alone", () => {
  const broken = async (change: (directory: string, keyFile: string, journal: string) => Promise<void>) => {
    const directory = await folder();
    await (await start({ keys: fileKeyManager(directory) })).close();
    const names = await readdir(directory);
    const keyFile = join(directory, names.find((name) => name.endsWith(".key.pem")) ?? "");
    await change(directory, keyFile, join(directory, "authority.1.json"));
    const before = await readdir(directory);
    const code = await codeOf(selfSignedAuthority({ trustDomain, keys: fileKeyManager(directory), pollSeconds: 0 }));
    expect(await readdir(directory)).toEqual(before);
    return code;
  };
  test("world-readable key", async () => {
    expect(await broken((_, keyFile) => chmod(keyFile, 0o644))).toBe("KEY_PERMISSIONS");
  });
  test("broken key", async () => {
    expect(await broken((_, keyFile) => writeFile(keyFile, "-----BEGIN PRIVATE KEY-----\nAAAA"))).toBe("KEY_INVALID");
  });
  test("another key", async () => {
    const code = await broken(async (_, keyFile) => {
      const other = await folder();
      await (await start({ keys: fileKeyManager(other) })).close();
      const name = (await readdir(other)).find((entry) => entry.endsWith(".key.pem")) ?? "";
      await writeFile(keyFile, await readFile(join(other, name)));
    });
    expect(code).toBe("KEY_MISMATCH");
  });
  test("no key", async () => {
    expect(await broken((_, keyFile) => rm(keyFile))).toBe("KEY_NOT_FOUND");
  });
  test.each(["", "{", "null", '{"format":2}', '{"format":1,"trustDomain":"cluster.local","sequence":1,"slots":[]}'])(
    "journal %j",
    async (text) => {
      expect(await broken((_, __, journal) => writeFile(journal, text))).toBe("STORE_INVALID");
    },
  );
  test("another trust domain's directory", async () => {
    const directory = await folder();
    await start({ keys: fileKeyManager(directory) });
    expect(await codeOf(start({ keys: fileKeyManager(directory), trustDomain: "other" }))).toBe("STORE_INVALID");
  });
  test("another passphrase", async () => {
    const directory = await folder();
    await start({ keys: fileKeyManager(directory, { passphrase: "right" }) });
    expect(await codeOf(start({ keys: fileKeyManager(directory, { passphrase: "wrong" }) }))).toBe("KEY_INVALID");
    await start({ keys: fileKeyManager(directory, { passphrase: "right" }) });
  });
});

test("two processes that start at once on one directory agree on one root", async () => {
  const directory = await folder();
  const made = await Promise.all(Array.from({ length: 8 }, () => start({ keys: fileKeyManager(directory) })));
  expect(new Set(made.map(({ trustBundle }) => trustBundle.x509Authorities.join(""))).size).toBe(1);
});

test("every kind of key manager and key", async () => {
  for (const [keys, keyType] of [
    [webCryptoKeyManager(), "ec-p256"],
    [webCryptoKeyManager(), "ec-p384"],
    [memoryKeyManager(), "ec-p384"],
    [memoryKeyManager(), "rsa-2048"],
    [memoryKeyManager(), "ed25519"],
  ] as const) {
    const authority = await start({ keys, keyType });
    const { certificateChain } = await authority.issue({ csr: csrPem(), identity });
    expect(trusts(authority, certificateChain, Date.now()), keyType).toBe(identity.uri);
  }
  expect(await codeOf(start({ keys: webCryptoKeyManager(), keyType: "rsa-2048" }))).toBe("OPTION_INVALID");
});

test("a remote key that signs wrongly or fails never gets a certificate out", async () => {
  const keys = memoryKeyManager();
  let mode: "good" | "wrong" | "throws" = "good";
  const remote: KeyManager = {
    ...keys,
    async getKey(id) {
      const signer = await keys.getKey(id);
      if (signer === undefined) return undefined;
      const { keyId, keyType, publicKey } = signer;
      return {
        keyId,
        keyType,
        publicKey,
        async sign(bytes) {
          if (mode === "throws") throw "a string, as plugins do";
          return signer.sign(mode === "wrong" ? Uint8Array.of(1) : bytes);
        },
      };
    },
  };
  const authority = await start({ keys: remote });
  expect(await codeOf(authority.issue({ csr: csrPem(), identity }))).toBe("done");
  mode = "wrong";
  expect(await codeOf(authority.issue({ csr: csrPem(), identity }))).toBe("SIGNING_FAILED");
  mode = "throws";
  expect(await codeOf(authority.issue({ csr: csrPem(), identity }))).toBe("SIGNING_FAILED");
  await expect(selfSignedAuthority({ trustDomain, keys: remote, pollSeconds: 0 })).rejects.toThrow();
});

test("policies refuse, and the audit says everything but secrets", async () => {
  const records: AuditRecord[] = [];
  const authority = await start({
    keys: memoryKeyManager(),
    audit(record) {
      records.push(record);
      throw new Error("a sink that fails changes nothing");
    },
    policies: [
      ({ identity: { path } }) => {
        if (path.endsWith("/reviews")) return;
        throw new Error("only reviews");
      },
    ],
  });
  const caller = { authenticator: "join-token", identity: identity.uri };
  const csr = csrPem();
  const issued = await authority.issue({ csr, identity, caller });
  const other = { ...identity, uri: "spiffe://cluster.local/ns/default/sa/ratings", path: "/ns/default/sa/ratings" };
  expect(await codeOf(authority.issue({ csr, identity: other }))).toBe("POLICY_DENIED");
  expect(await codeOf(authority.issue({ csr: "x", identity }))).toBe("CSR_MALFORMED");
  expect(records).toMatchObject([
    { outcome: "issued", caller, identity: identity.uri, serial: issued.serial },
    { outcome: "refused", code: "POLICY_DENIED", message: "[POLICY_DENIED] only reviews" },
    { outcome: "refused", code: "CSR_MALFORMED" },
  ]);
  expect(JSON.stringify(records)).not.toContain(csr.slice(40, 80));
});

test("10,000 requests at once on a key that is slow are bounded", async () => {
  const keys = memoryKeyManager();
  let signing = 0;
  let most = 0;
  const slow: KeyManager = {
    ...keys,
    async getKey(id) {
      const signer = await keys.getKey(id);
      if (signer === undefined) return undefined;
      const { keyId, keyType, publicKey } = signer;
      return {
        keyId,
        keyType,
        publicKey,
        async sign(bytes) {
          most = Math.max(most, ++signing);
          await new Promise((resolve) => setImmediate(resolve));
          signing--;
          return signer.sign(bytes);
        },
      };
    },
  };
  const authority = await start({ keys: slow, maxInFlight: 100 });
  const csr = csrPem();
  const outcomes = await Promise.all(Array.from({ length: 10_000 }, () => codeOf(authority.issue({ csr, identity }))));
  expect(outcomes.filter((code) => code === "done")).toHaveLength(100);
  expect(outcomes.filter((code) => code === "RATE_LIMITED")).toHaveLength(9900);
  expect(most).toBeLessThanOrEqual(100);
  expect(await codeOf(authority.issue({ csr, identity }))).toBe("done");
});

describe("roots change one step at a time", () => {
  test("prepare, activate, taint, drain, retire", async () => {
    const clock = fakeClock();
    const keys = memoryKeyManager();
    const authority = await start({ keys, clock, ttl: { maxSeconds: 86_400 } });
    let told = 0;
    authority.subscribe(() => told++);
    const old = await authority.issue({ csr: csrPem(), identity });
    const [first] = authority.slots;
    const next = await authority.prepare();
    expect((await authority.prepare()).id).toBe(next.id);
    expect(authority.trustBundle).toMatchObject({ sequence: 2 });
    expect(authority.trustBundle.x509Authorities).toHaveLength(2);
    expect((await authority.issue({ csr: csrPem(), identity })).authorityId).toBe(first?.id);
    await authority.activate(next.id);
    const fresh = await authority.issue({ csr: csrPem(), identity });
    expect(fresh.authorityId).toBe(next.id);
    for (const { certificateChain } of [old, fresh])
      expect(trusts(authority, certificateChain, clock.now())).toBe(identity.uri);
    const id = first?.id ?? "";
    expect(await codeOf(authority.retire(next.id))).toBe("ROTATION_REFUSED");
    expect(await codeOf(authority.retire(id))).toBe("BUNDLE_REJECTED");
    await authority.taint(id);
    expect(authority.slots.find((slot) => slot.id === id)).toMatchObject({ status: "old", tainted: true });
    clock.jump(86_400_000);
    await authority.retire(id);
    await authority.retire(id);
    expect(authority.trustBundle).toMatchObject({ sequence: 3 });
    expect(await keys.listKeys()).toEqual([next.keyId]);
    expect(() => trusts(authority, old.certificateChain, clock.now() - 80_000_000)).toThrow("leads to none");
    expect(told).toBe(4);
  });

  test("two replicas see each other's steps, and at once is the same as one after the other", async () => {
    const directory = await folder();
    const one = await start({ keys: fileKeyManager(directory) });
    const two = await start({ keys: fileKeyManager(directory) });
    const [a, b] = await Promise.all([one.prepare(), two.prepare()]);
    expect(a.id).toBe(b.id);
    expect((await readdir(directory)).filter((name) => name.endsWith(".key.pem"))).toHaveLength(2);
    await Promise.all([one.activate(a.id), two.activate(a.id)]);
    await Promise.all([one.refresh(), two.refresh()]);
    expect(two.slots).toEqual(one.slots);
    expect(one.slots.map(({ status }) => status)).toEqual(["old", "active"]);
  });

  test("a root is kept longer where other processes may sign with it until they look", async () => {
    const clock = fakeClock();
    const authority = await start({ keys: memoryKeyManager(), clock, ttl: { maxSeconds: 3600 }, pollSeconds: 60 });
    const [first] = authority.slots;
    await authority.activate((await authority.prepare()).id);
    expect(authority.drainedAt(first?.id ?? "") - clock.now()).toBe(3_720_000);
    await expect(codeOf(Promise.resolve().then(() => authority.drainedAt("nobody")))).resolves.toBe("ROTATION_REFUSED");
  });

  test("a replica finds a new root by itself", async () => {
    const clock = fakeClock();
    const directory = await folder();
    const one = await start({ keys: fileKeyManager(directory), clock });
    const two = await start({ keys: fileKeyManager(directory), clock, pollSeconds: 60 });
    const { id } = await one.prepare();
    await one.activate(id);
    await clock.advance(61_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await two.issue({ csr: csrPem(), identity })).authorityId).toBe(id);
  });
});
